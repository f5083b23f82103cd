//go:build !race

package calsync_test

const raced = false
