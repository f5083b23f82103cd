package soap

import (
	"context"
	"errors"
)

func call[T any, R response[T]](ctx context.Context, c *Client, as As, req request) (*T, error) {
	return nil, errors.New("not reachable yet")
}
