// Package config turns a TOML file and the environment into one checked [Config], or into all that is wrong with them at once.
//
// One table (options.go) says for every key its place in the struct, default, meaning and check; from
// it come loading, environment names, the redacted listing and the reference document. The package
// imports nothing of ours.
package config
