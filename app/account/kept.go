package account

// What is kept of a sign-in, sealed: the line's credentials and, where a backend needs it, the password.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"portico/app/portal"
)

// kept is what is sealed for one person.
type kept struct {
	Line     []byte `json:"line"`
	Password string `json:"password,omitempty"`
}

// keptMark stands before a kept as JSON. What has no mark is the line's credentials alone, which is how it was
// written before passwords were kept, and still is where none is.
const keptMark = "kept1:"

func (s *Service) sealKept(who portal.Address, k kept) ([]byte, error) {
	plain := k.Line
	if k.Password != "" {
		text, err := json.Marshal(k)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		plain = append([]byte(keptMark), text...)
	}
	return s.box.seal(who, plain)
}

// kept reads what is sealed for who: ErrNotFound where nothing is, errSealed where it cannot be opened.
func (s *Service) kept(ctx context.Context, who portal.Address) (kept, error) {
	sealed, err := s.vault.Line(ctx, who)
	if err != nil {
		return kept{}, err
	}
	plain, err := s.box.open(who, sealed)
	if err != nil {
		return kept{}, err
	}
	text, ok := bytes.CutPrefix(plain, []byte(keptMark))
	if !ok {
		return kept{Line: plain}, nil
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return kept{}, errSealed // and nothing of the text in the error
	}
	return k, nil
}

// Password is the password who signed in with, for backends that are asked in their own name; ErrUnauthenticated
// where none is kept (they must sign in again).
func (s *Service) Password(ctx context.Context, who portal.Address) (string, error) {
	k, err := s.kept(ctx, who)
	if err == nil && k.Password != "" {
		return k.Password, nil
	}
	if err == nil || portal.Meaning(err) == portal.ErrNotFound {
		return "", portal.Fail(portal.ErrUnauthenticated, "signin.anew").Because(err)
	}
	return "", fmt.Errorf("password of %s: %w", who, err)
}
