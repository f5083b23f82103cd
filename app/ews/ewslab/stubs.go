package ewslab

import "time"

func customZone(def *node) *time.Location        { return nil }
func (r *renderer) mime(i *item) (*node, error)  { return nil, nil }
func (c *call) readMIME(it *item, n *node) error { return nil }
