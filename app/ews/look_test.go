package ews

import (
	"strings"
	"testing"

	"portico/app/ews/soap"
)

// mentions counts the items of a folder whose subject holds a word.
func mentions(t testing.TB, a *access, folder, word string) int {
	t.Helper()
	shape := idShape()
	shape.AdditionalProperties = soap.Fields("item:Subject")
	res, err := a.FindItem(t.Context(), a.as, &soap.FindItem{Traversal: "Shallow", Shape: shape, Page: soap.Page(0, 500), Parents: []soap.FolderRef{a.folder(folder)}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := one(res.Messages)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range m.Root.Items {
		if b := m.Root.Items[i].Base(); b != nil && strings.Contains(b.Subject, word) {
			n++
		}
	}
	return n
}
