package pidf

import (
	"slices"
	"sync"

	"portico/app/portal"
)

// Memo is Parse with a memory. Everybody who watches a person is sent the same document, and a server
// sends it again when nothing has changed: each is read once. It is safe for concurrent use.
type Memo struct {
	// budget bounds the bytes of the documents of one generation; there are two.
	budget int

	mu         sync.Mutex
	size       int
	young, old map[string]content
}

// content is what a document says.
type content struct {
	entity portal.Address
	claims []portal.Claim
}

// NewMemo makes a memory for documents of about the given number of bytes in all. When it is full the
// half that was not asked for of late is forgotten.
func NewMemo(bytes int) *Memo {
	return &Memo{budget: bytes / 2, young: map[string]content{}}
}

// Parse is as the function Parse. Documents that cannot be read are not remembered.
func (m *Memo) Parse(b []byte) (entity portal.Address, claims []portal.Claim, err error) {
	if c, ok := m.recall(b); ok {
		return c.entity, slices.Clone(c.claims), nil
	}
	entity, claims, err = Parse(b)
	if err == nil && len(b) <= m.budget {
		m.mu.Lock()
		m.keep(string(b), content{entity, slices.Clone(claims)})
		m.mu.Unlock()
	}
	return entity, claims, err
}

func (m *Memo) recall(b []byte) (content, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.young[string(b)]; ok {
		return c, true
	}
	c, ok := m.old[string(b)]
	if ok {
		m.keep(string(b), c)
	}
	return c, ok
}

// keep puts a document into the young generation, which becomes the old one when it is full. m.mu is held.
func (m *Memo) keep(document string, c content) {
	if _, ok := m.young[document]; ok {
		return
	}
	if m.size+len(document) > m.budget {
		m.old, m.young, m.size = m.young, map[string]content{}, 0
	}
	m.young[document] = c
	m.size += len(document)
}
