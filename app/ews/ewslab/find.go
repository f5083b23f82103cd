package ewslab

// FindItem: calendar views, pages, conditions, order.

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxFind      = 1000                     // objects in one answer
	maxView      = 2 * 366 * 24 * time.Hour // length of a calendar view
	errorTooMany = "ErrorExceededFindCountLimit"
)

func (s *Server) opFindItem(c *call) (*node, error) {
	q, err := c.parseFind()
	if err != nil {
		return nil, err
	}
	refs, err := c.folderRefs("ParentFolderIds")
	if err != nil {
		return nil, err
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			f, err := c.openFolder(x, refs[n], mayRead)
			if err != nil {
				return err
			}
			var root *node
			if view := c.req.kid("CalendarView"); view != nil {
				root, err = c.calendarView(x, f, view, q)
			} else {
				root, err = c.findPage(x, f, q)
			}
			out = one(root)
			return err
		})
		return out, err
	})
}

// findQuery is a read FindItem.
type findQuery struct {
	shape shape
	where *condition
	order []sortKey
	words []string // of QueryString
	group *sortKey
	empty bool // traversals that find nothing here
}

// sortKey is one line of SortOrder.
type sortKey struct {
	path path
	down bool
}

func (c *call) parseFind() (q findQuery, err error) {
	switch c.req.attr("Traversal") {
	case "Shallow":
	case "SoftDeleted", "Associated":
		q.empty = true
	default:
		return q, invalid("the required attribute 'Traversal' is missing or invalid.")
	}
	if q.shape, err = parseShape(c.req.kid("ItemShape"), true); err != nil {
		return q, err
	}
	if q.where, err = parseRestriction(c, c.req.kid("Restriction")); err != nil {
		return q, err
	}
	for _, k := range c.req.kid("SortOrder").kids() {
		p, err := pathIn(k)
		if err != nil {
			return q, err
		}
		q.order = append(q.order, sortKey{p, k.attr("Order") == "Descending"})
	}
	if g := c.req.kid("GroupBy"); g != nil {
		p, err := pathIn(g)
		if err != nil {
			return q, err
		}
		q.group = &sortKey{p, g.attr("Order") == "Descending"}
	}
	q.words = strings.Fields(strings.ToLower(c.req.text("QueryString")))
	if c.req.kid("CalendarView") != nil && (q.where != nil || len(q.order) > 0 || q.group != nil) {
		return q, faultf("ErrorInvalidRequest", "A calendar view goes without restriction, order and groups.")
	}
	return q, nil
}

// calendarView answers what touches the window, occurrences instead of series.
func (c *call) calendarView(x *tx, f *folder, view *node, q findQuery) (*node, error) {
	if folderElement(f.Class) != "CalendarFolder" {
		return nil, fail("ErrorCalendarFolderIsInvalidForCalendarView", "The folder is no calendar.")
	}
	from, ok1 := instant(view.attr("StartDate"), c.zone)
	to, ok2 := instant(view.attr("EndDate"), c.zone)
	if !ok1 || !ok2 {
		return nil, invalid("the attributes 'StartDate' and 'EndDate' of 'CalendarView' must be times.")
	}
	if to.Before(from) {
		return nil, fail("ErrorCalendarEndDateIsEarlierThanStartDate")
	}
	if to.Sub(from) > maxView {
		return nil, fail("ErrorCalendarViewRangeTooBig", "The specified view range exceeds the maximum range of two years.")
	}
	limit, err := limitOf(view)
	if err != nil {
		return nil, err
	}
	found, err := x.window(f, from, to)
	if err != nil {
		return nil, err
	}
	if q.empty {
		found = nil
	}
	total := len(found)
	want := total
	if limit > 0 {
		want = min(want, limit)
	}
	got := c.s.limiter.enterFind(c, want, false)
	if limit == 0 && total > maxFind || got < want && (limit == 0 || got == 0) {
		c.s.limiter.refused(LimitFind)
		return nil, tooManyFound()
	}
	found = found[:got]
	items, err := c.items(x, found, q.shape)
	if err != nil {
		return nil, err
	}
	return m("RootFolder", at("TotalItemsInView", itoa(total)), at("IncludesLastItemInRange", boolText(len(found) == total)), items), nil
}

func limitOf(view *node) (int, error) {
	s := view.attr("MaxEntriesReturned")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, invalid("the 'MaxEntriesReturned' attribute is invalid - the value '%s' is invalid.", s)
	}
	return n, nil
}

// items writes found items into t:Items.
func (c *call) items(x *tx, found []*item, s shape) (*node, error) {
	out, r := t("Items"), c.renderer(x, s)
	if err := r.prepare(found); err != nil {
		return nil, err
	}
	for _, i := range found {
		n, err := r.item(i)
		if err != nil {
			return nil, err
		}
		out.add(n)
	}
	return out, nil
}

// findPage answers one page of a folder's items; series come as masters.
func (c *call) findPage(x *tx, f *folder, q findQuery) (*node, error) {
	if q.where == nil && len(q.order) == 0 && len(q.words) == 0 && q.group == nil && !q.empty {
		return c.plainPage(x, f, q)
	}
	var found []*item
	var err error
	if !q.empty {
		if found, err = c.search(x, f, q); err != nil {
			return nil, err
		}
	}
	from, to, next, last, err := c.page(len(found))
	if err != nil {
		return nil, err
	}
	root := m("RootFolder", at("IndexedPagingOffset", itoa(next)), at("TotalItemsInView", itoa(len(found))), at("IncludesLastItemInRange", boolText(last)))
	if q.group != nil {
		groups, err := c.groups(x, found[from:to], q)
		return root.add(groups), err
	}
	items, err := c.items(x, found[from:to], q.shape)
	return root.add(items), err
}

const newestFirst = `folder = ? AND master = 0 ORDER BY received DESC, id DESC`

// plainPage reads no more than the page when nothing has to be looked at.
func (c *call) plainPage(x *tx, f *folder, q findQuery) (*node, error) {
	total := 0
	if err := x.QueryRow(`SELECT COUNT(*) FROM items WHERE folder = ? AND master = 0`, f.ID).Scan(&total); err != nil {
		return nil, err
	}
	from, to, next, last, err := c.page(total)
	if err != nil {
		return nil, err
	}
	found, err := x.items(newestFirst+` LIMIT ? OFFSET ?`, f.ID, to-from, from)
	if err != nil {
		return nil, err
	}
	items, err := c.items(x, found, q.shape)
	if err != nil {
		return nil, err
	}
	return m("RootFolder", at("IndexedPagingOffset", itoa(next)), at("TotalItemsInView", itoa(total)), at("IncludesLastItemInRange", boolText(last)), items), nil
}

// search answers the items that meet the condition, in order.
func (c *call) search(x *tx, f *folder, q findQuery) ([]*item, error) {
	all, err := x.holding(f.ID, q.where.text())
	if err != nil {
		return nil, err
	}
	r := c.renderer(x, everything())
	var found []*item
	for _, i := range all {
		seen, _, err := r.shown(i) // what is hidden cannot be searched for either
		if err != nil {
			return nil, err
		}
		ok, err := q.where.matches(itemValues{r, seen})
		if err != nil {
			return nil, err
		}
		if ok && seen.hasWords(q.words) {
			found = append(found, i)
		}
	}
	if len(q.order) == 0 {
		return found, nil
	}
	return found, sortItems(r, found, q.order, c.zone)
}

// holding are the items of a folder, newest first; those that hold a text somewhere, without regard to case, are surely among them.
func (x *tx) holding(folder int64, text string) ([]*item, error) {
	if text == "" {
		return x.items(newestFirst, folder)
	}
	rows, err := x.Query(`SELECT `+itemColumns+` FROM items WHERE `+newestFirst, folder)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*item
	want := []byte(strings.ToLower(text))
	for rows.Next() {
		i, props, err := scanRow(rows)
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(bytes.ToLower(props), want) { // to take every tree apart takes many times longer
			continue
		}
		if i.Props, err = unpack(props); err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// hasWords is the lab's understanding of QueryString: every word in subject, place or body.
func (i *item) hasWords(words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(i.text("Subject") + " " + i.text("Location") + " " + i.plainBody() + " " + i.display("DisplayTo"))
	for _, w := range words {
		if _, value, found := strings.Cut(w, ":"); found {
			w = value
		}
		if !strings.Contains(text, strings.Trim(w, `"()`)) {
			return false
		}
	}
	return true
}

// sortItems orders items; what has no value comes first, as the lowest.
func sortItems(r *renderer, found []*item, order []sortKey, zone *time.Location) error {
	keys := map[*item][]string{}
	for _, i := range found {
		seen, _, err := r.shown(i)
		if err != nil {
			return err
		}
		for _, k := range order {
			v, err := itemValues{r, seen}.value(k.path)
			if err != nil {
				return err
			}
			keys[i] = append(keys[i], strings.Join(v, " "))
		}
	}
	slices.SortStableFunc(found, func(a, b *item) int {
		for n, k := range order {
			o := compare(keys[a][n], keys[b][n], zone)
			if k.down {
				o = -o
			}
			if o != 0 {
				return o
			}
		}
		return 0
	})
	return nil
}

// groups writes a page in groups of equal value.
func (c *call) groups(x *tx, found []*item, q findQuery) (*node, error) {
	r := c.renderer(x, q.shape)
	if err := sortItems(r, found, append([]sortKey{*q.group}, q.order...), c.zone); err != nil {
		return nil, err
	}
	out := t("Groups")
	var items *node
	before := "\x00"
	for _, i := range found {
		seen, _, err := r.shown(i)
		if err != nil {
			return nil, err
		}
		v, err := itemValues{r, seen}.value(q.group.path)
		if err != nil {
			return nil, err
		}
		if value := strings.Join(v, " "); value != before {
			before, items = value, t("Items")
			out.add(t("GroupedItems", t("GroupIndex", value), items))
		}
		n, err := r.item(i)
		if err != nil {
			return nil, err
		}
		items.add(n)
	}
	return out, nil
}

// page answers which part of total things the view of a request asks for, the offset of the next page and whether this is the last.
func page(req *node, total int) (from, to, next int, last bool, err error) {
	size := maxFind
	view := req.kid("IndexedPageItemView")
	if view == nil {
		view = req.kid("IndexedPageFolderView")
	}
	if view != nil {
		offset, err := strconv.Atoi(view.attr("Offset"))
		if err != nil || offset < 0 {
			return 0, 0, 0, false, invalid("the 'Offset' attribute is invalid - the value '%s' is invalid.", view.attr("Offset"))
		}
		limit, err := limitOf(view)
		if err != nil {
			return 0, 0, 0, false, err
		}
		if limit > 0 {
			size = min(size, limit)
		}
		if view.attr("BasePoint") == "End" { // pages run backwards from the end
			to = max(0, total-offset)
			from = max(0, to-size)
			return from, to, offset + to - from, from == 0, nil
		}
		from = min(offset, total)
	}
	fraction := req.kid("FractionalPageItemView")
	if fraction == nil {
		fraction = req.kid("FractionalPageFolderView")
	}
	if fraction != nil {
		over, err1 := strconv.Atoi(fraction.attr("Numerator"))
		under, err2 := strconv.Atoi(fraction.attr("Denominator"))
		if err1 != nil || err2 != nil || under < 1 || over < 0 || over > under {
			return 0, 0, 0, false, fail("ErrorInvalidFractionalPagingParameters", "The fraction is invalid.")
		}
		limit, err := limitOf(fraction)
		if err != nil {
			return 0, 0, 0, false, err
		}
		if limit > 0 {
			size = min(size, limit)
		}
		from = int(int64(total) * int64(over) / int64(under))
	}
	to = min(total, from+size)
	return from, to, to, to == total, nil
}
