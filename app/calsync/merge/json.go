package merge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"portico/app/portal"
)

// The form in which what was agreed is kept, and its reader.

// MaxAgreed is the longest form that is read, in bytes: a body and all exceptions of both sides.
const MaxAgreed = 16 << 20

// maxParts bounds the lists of a Content that is read.
const maxParts = 20_000

// agreedForm is Agreed in JSON; Exchange is absent where it is as CRM.
type agreedForm struct {
	Form     int      `json:"form"`
	CRM      *Content `json:"crm,omitempty"`
	Exchange *Content `json:"exchange,omitempty"`
	Tried    *tried   `json:"tried,omitempty"`
}

// Bytes is the form in which Agreed is kept.
func (a Agreed) Bytes() ([]byte, error) {
	crm, err := json.Marshal(a.CRM)
	if err != nil {
		return nil, fmt.Errorf("write what was agreed: %w", err)
	}
	ex, err := json.Marshal(a.Exchange)
	if err != nil {
		return nil, fmt.Errorf("write what was agreed: %w", err)
	}
	form := agreedForm{Form: 1, CRM: &a.CRM}
	if !bytes.Equal(crm, ex) {
		form.Exchange = &a.Exchange
	}
	return json.Marshal(form)
}

// ReadAgreed reads what Bytes wrote. The error wraps portal.ErrInvalid.
func ReadAgreed(data []byte) (Agreed, error) {
	a, _, err := readForm(data)
	if err == nil && a == nil {
		err = fmt.Errorf("read what was agreed: nothing was: %w", portal.ErrInvalid)
	}
	if err != nil {
		return Agreed{}, err
	}
	return *a, nil
}

// readForm reads what Bytes or Try wrote: what was agreed, and what was tried since; nil for none.
func readForm(data []byte) (*Agreed, *tried, error) {
	bad := func(err error) (*Agreed, *tried, error) {
		return nil, nil, fmt.Errorf("read what was agreed: %w: %w", err, portal.ErrInvalid)
	}
	if len(data) > MaxAgreed {
		return bad(fmt.Errorf("%d bytes", len(data)))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	var form agreedForm
	if err := dec.Decode(&form); err != nil {
		return bad(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return bad(fmt.Errorf("more after it"))
	}
	if form.Form != 1 || form.CRM == nil && form.Tried == nil {
		return bad(fmt.Errorf("form %d", form.Form))
	}
	if form.Tried != nil {
		if err := form.Tried.check(); err != nil {
			return bad(err)
		}
	}
	if form.CRM == nil {
		return nil, form.Tried, nil
	}
	if form.Exchange == nil {
		form.Exchange = form.CRM
	}
	for _, c := range []*Content{form.CRM, form.Exchange} {
		if err := c.check(0); err != nil {
			return bad(err)
		}
	}
	return &Agreed{CRM: *form.CRM, Exchange: *form.Exchange}, form.Tried, nil
}

// check refuses what no reading makes.
func (c *Content) check(depth int) error {
	if len(c.Attendees) > maxParts || len(c.Files) > maxParts || len(c.Exceptions) > maxParts || len(c.Deleted) > maxParts || len(c.Categories) > maxParts {
		return fmt.Errorf("too many parts")
	}
	if depth > 0 && (len(c.Exceptions) > 0 || len(c.Deleted) > 0) {
		return fmt.Errorf("an occurrence with occurrences")
	}
	for _, id := range c.Deleted {
		if _, err := ParseStamp(id); err != nil {
			return err
		}
	}
	for id, x := range c.Exceptions {
		if _, err := ParseStamp(id); err != nil {
			return err
		}
		if err := x.check(depth + 1); err != nil {
			return err
		}
	}
	for _, t := range []int{c.Start.Year(), c.End.Year()} {
		if t < 0 || t > 9999 {
			return fmt.Errorf("the year %d", t)
		}
	}
	return nil
}
