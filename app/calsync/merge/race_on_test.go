//go:build race

package merge

// raced: the race detector is on, with which everything takes many times as long. What it can find it finds in few lives.
const raced = true
