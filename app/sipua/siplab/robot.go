package siplab

import (
	"context"
	"log/slog"
)

// RobotConfig x
type RobotConfig struct {
	User   User
	Domain string
	Server string
	Pace   RobotPace
	Logger *slog.Logger
}

// Robot x
type Robot struct{}

// NewRobot x
func NewRobot(RobotConfig) (*Robot, error) { return &Robot{}, nil }

// Run x
func (r *Robot) Run(ctx context.Context) error { <-ctx.Done(); return nil }
