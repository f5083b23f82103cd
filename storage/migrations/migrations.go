// Package migrations holds the numbered SQL that builds and changes the database, one folder for each engine.
//
// A file is never changed once it has been released: what is to be different is a further file. The
// numbers and names are the same in every folder, so that one version means one set of tables.
package migrations

import "embed"

// SQLite holds the migrations of the SQLite engine in the folder "sqlite".
//
//go:embed sqlite/*.sql
var SQLite embed.FS
