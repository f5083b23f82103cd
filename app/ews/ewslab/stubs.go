package ewslab

import "time"

func customZone(def *node) *time.Location                       { return nil }
func seriesEnd(i *item) time.Time                               { return i.time("End") }
func (s *Server) opGetFolder(c *call) (*node, error)            { return nil, nil }
func (s *Server) opFindFolder(c *call) (*node, error)           { return nil, nil }
func (s *Server) opCreateFolder(c *call) (*node, error)         { return nil, nil }
func (s *Server) opUpdateFolder(c *call) (*node, error)         { return nil, nil }
func (s *Server) opDeleteFolder(c *call) (*node, error)         { return nil, nil }
func (s *Server) opMoveFolder(c *call) (*node, error)           { return nil, nil }
func (s *Server) opEmptyFolder(c *call) (*node, error)          { return nil, nil }
func (s *Server) opCreateItem(c *call) (*node, error)           { return nil, nil }
func (s *Server) opGetItem(c *call) (*node, error)              { return nil, nil }
func (s *Server) opUpdateItem(c *call) (*node, error)           { return nil, nil }
func (s *Server) opDeleteItem(c *call) (*node, error)           { return nil, nil }
func (s *Server) opMoveItem(c *call) (*node, error)             { return nil, nil }
func (s *Server) opCopyItem(c *call) (*node, error)             { return nil, nil }
func (s *Server) opSendItem(c *call) (*node, error)             { return nil, nil }
func (s *Server) opFindItem(c *call) (*node, error)             { return nil, nil }
func (s *Server) opSyncFolderItems(c *call) (*node, error)      { return nil, nil }
func (s *Server) opSyncFolderHierarchy(c *call) (*node, error)  { return nil, nil }
func (s *Server) opCreateAttachment(c *call) (*node, error)     { return nil, nil }
func (s *Server) opGetAttachment(c *call) (*node, error)        { return nil, nil }
func (s *Server) opDeleteAttachment(c *call) (*node, error)     { return nil, nil }
func (s *Server) opConvertID(c *call) (*node, error)            { return nil, nil }
func (s *Server) opGetUserConfiguration(c *call) (*node, error) { return nil, nil }

// occurrence answers one occurrence of a series by its start by the pattern: the exception, or one made up from the series.
func (x *tx) occurrence(master *item, original time.Time) (*item, error) { return nil, nil }
func (x *tx) occurrenceByIndex(master *item, index string) (*item, error) { return nil, nil }

// window answers the appointments and occurrences of a calendar folder that touch [from, to), sorted by start; no series masters.
// Deleted occurrences are left out, exceptions are merged with their series.
func (x *tx) window(f *folder, from, to time.Time) ([]*item, error) { return nil, nil }

// render writes an item as its element with ids, properties in schema order.
func (s *Server) render(x *tx, c *call, it *item) (*node, error) { return nil, nil }
