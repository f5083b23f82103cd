package merge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portico/app/portal"
)

// Merging the files of an appointment, by name. What a server says of a file's size is compared only with what it said before.

// filesByName names files: several of one name are told apart by their order.
func filesByName(list []File) map[string]*File {
	out := map[string]*File{}
	for i := range list {
		key := strings.ToLower(list[i].Name)
		for n := 2; out[key] != nil; n++ {
			key = fmt.Sprintf("%s\x00%d", strings.ToLower(list[i].Name), n)
		}
		out[key] = &list[i]
	}
	return out
}

// sameFile tells whether a file of one side is what it was.
func sameFile(a, b *File) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Size == b.Size && a.Hash == b.Hash
}

func (m *merging) files(target, noted *Agreed, s *sides) {
	target.CRM.Files, target.Exchange.Files, noted.CRM.Files, noted.Exchange.Files = nil, nil, nil, nil
	cs, es, bcs, bes := filesByName(s.c.Files), filesByName(s.e.Files), filesByName(s.bc.Files), filesByName(s.be.Files)
	keys := map[string]bool{}
	for _, list := range []map[string]*File{cs, es} {
		for k := range list {
			keys[k] = true
		}
	}
	m.loss = &Loss{Given: s.c}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		f := m.file(cs[k], es[k], bcs[k], bes[k], s)
		add(&target.CRM.Files, f.crm)
		add(&target.Exchange.Files, f.ex)
		add(&noted.CRM.Files, f.notedCRM)
		add(&noted.Exchange.Files, f.notedEx)
	}
	m.lose(target.CRM)
}

func add(list *[]File, f *File) {
	if f != nil {
		*list = append(*list, *f)
	}
}

// fileOut is what becomes of one file. One in crm that is Exchange's is to be fetched, one in ex that is CRM's to be attached.
type fileOut struct{ crm, ex, notedCRM, notedEx *File }

func (m *merging) file(c, e, bc, be *File, s *sides) fileOut {
	stay := fileOut{c, e, c, e}
	crm, ex := !sameFile(c, bc), !sameFile(e, be)
	if crm && ex && c != nil && e != nil {
		if bc == nil && be == nil {
			return stay // both got it, or an earlier try of ours got through
		}
		won := portal.SourceExchange
		if crm, ex = m.crmWins, !m.crmWins; crm {
			won = portal.SourceCRM
		}
		if (crm && m.ToExchange || ex && m.ToCRM) && !slices.Contains(m.loss.Fields, "files") {
			m.lost("files", won, s, func(to, from *Content) { to.Files = from.Files })
		}
	} else if crm && ex { // changed on one side, removed on the other: it stays
		crm, ex = c != nil, e != nil
	}
	switch {
	case crm && !m.ToExchange, ex && !m.ToCRM:
		return fileOut{c, e, bc, be} // to be seen again
	case crm && m.fits(c):
		return fileOut{c, c, c, c}
	case ex && m.fits(e):
		return fileOut{e, e, e, e}
	}
	return stay
}

// fits tells whether a file is not too large to be carried; its removal always is.
func (m *merging) fits(f *File) bool { return f == nil || m.MaxFile == 0 || f.Size <= m.MaxFile }
