//go:build !race

package storage_test

const raced = false
