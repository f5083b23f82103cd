package soap

import (
	"context"
	"errors"
)

// Stream listens to the events of at most 200 streaming subscriptions for so many minutes (1..30)
// and gives them to each in order. A Notification without SubscriptionID is a sign of life: the
// first means that the stream stands, further ones are the server's keep-alives. It returns nil
// when the server closed the stream at its end, ErrSilent when nothing came for Options.Silence,
// a *SubscriptionsError when subscriptions are lost, and what each returned if that is no nil.
func (c *Client) Stream(ctx context.Context, as As, ids []string, minutes int, each func(Notification) error) error {
	return errors.New("not reachable yet")
}
