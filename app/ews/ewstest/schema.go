package ewstest

// Holds envelopes against the official schema, many of them in one run of the validator.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SchemaFolder is the environment variable that names the folder with messages.xsd, types.xsd and soap-fault.xsd.
const SchemaFolder = "PORTICO_EWS_SCHEMA"

// validateTimeout bounds one run of the validator over at most batch documents.
const (
	validateTimeout = 2 * time.Minute
	batch           = 200
)

// Schema returns the folder of the official schema, or skips the test where it is not at hand. A folder that the
// environment names and that holds no schema fails the test.
func Schema(t testing.TB) string {
	t.Helper()
	dir, err := findSchema()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Skipf("needs the EWS schema: set %s to the folder of messages.xsd", SchemaFolder)
	}
	return dir
}

// findSchema returns the folder of the schema, "" where there is none.
func findSchema() (string, error) {
	if dir := os.Getenv(SchemaFolder); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "messages.xsd")); err != nil {
			return "", fmt.Errorf("%s: %w", SchemaFolder, err)
		}
		return dir, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("working directory: %w", err)
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		candidate := filepath.Join(dir, "shared", "ews-schema")
		_, err := os.Stat(filepath.Join(candidate, "messages.xsd"))
		if err == nil {
			return candidate, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for the schema: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", nil
		}
	}
}

// Validate holds envelopes, requests or answers, against the official schema: the child of the body and the EWS
// headers of each. A SOAP fault of the right shape is valid. A streaming answer is validated envelope by envelope.
// Whatever is invalid is an error of the test, with the envelope. It skips the test where the schema or the
// validator is not at hand.
func Validate(t testing.TB, envelopes ...[]byte) {
	t.Helper()
	dir := Schema(t)
	lint := program(t, "xmllint", "libxml2-utils")
	for _, fault := range validate(t.TempDir(), dir, lint, envelopes) {
		t.Error(fault)
	}
}

// validate returns what is wrong with the envelopes, one error for each that is invalid.
func validate(tmp, schema, lint string, envelopes [][]byte) []error {
	var faults []error
	var bodies, soapFaults checkList
	for _, data := range envelopes {
		docs, err := Split(data)
		if err == nil && len(docs) == 0 {
			err = errors.New("no envelope")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("invalid envelope: %w\n%s", err, excerpt(data)))
		}
		for _, doc := range docs {
			ps, err := parts(doc)
			if err != nil {
				faults = append(faults, fmt.Errorf("invalid envelope: %w\n%s", err, excerpt(doc)))
				continue
			}
			for _, p := range ps {
				if p.fault {
					soapFaults.add(p)
				} else {
					bodies.add(p)
				}
			}
		}
	}
	faults = append(faults, bodies.run(filepath.Join(tmp, "ews"), filepath.Join(schema, "messages.xsd"), lint)...)
	return append(faults, soapFaults.run(filepath.Join(tmp, "fault"), filepath.Join(schema, "soap-fault.xsd"), lint)...)
}

// checkList is what is to be validated against one schema; what is equal to the byte is looked at once.
type checkList struct {
	parts []part
	seen  map[[sha256.Size]byte]bool
}

func (c *checkList) add(p part) {
	sum := sha256.Sum256(p.doc)
	if c.seen[sum] {
		return
	}
	if c.seen == nil {
		c.seen = map[[sha256.Size]byte]bool{}
	}
	c.seen[sum] = true
	c.parts = append(c.parts, p)
}

// run validates the list in batches and returns one error for each invalid element.
func (c *checkList) run(dir, schema, lint string) []error {
	var faults []error
	for from := 0; from < len(c.parts); from += batch {
		sub := filepath.Join(dir, strconv.Itoa(from))
		faults = append(faults, runBatch(sub, schema, lint, c.parts[from:min(from+batch, len(c.parts))])...)
	}
	return faults
}

// runBatch is one run of the validator.
func runBatch(dir, schema, lint string, ps []part) []error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return []error{fmt.Errorf("place for the documents: %w", err)}
	}
	args := []string{"--noout", "--nonet", "--schema", schema}
	for i, p := range ps {
		name := strconv.Itoa(i) + ".xml"
		if err := os.WriteFile(filepath.Join(dir, name), p.doc, 0o600); err != nil {
			return []error{fmt.Errorf("write a document: %w", err)}
		}
		args = append(args, name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), validateTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, lint, args...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	runErr := cmd.Run()
	if runErr == nil {
		return nil
	}
	return complaints(said.String(), runErr, ps)
}

// complaints sorts what the validator printed by document.
func complaints(said string, runErr error, ps []part) []error {
	by := map[int][]string{}
	var rest []string
	for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
		name, text, ok := strings.Cut(line, ".xml:")
		i, err := strconv.Atoi(name)
		switch {
		case ok && err == nil && i < len(ps):
			by[i] = append(by[i], text)
		case strings.HasSuffix(line, " validates"), strings.HasSuffix(line, " fails to validate"):
		default:
			rest = append(rest, line)
		}
	}
	var faults []error
	for i, p := range ps {
		if lines := by[i]; lines != nil {
			faults = append(faults, fmt.Errorf("%s is invalid by the schema:\n  %s\n%s", p.name, strings.Join(lines, "\n  "), excerpt(p.doc)))
		}
	}
	if faults == nil {
		faults = append(faults, fmt.Errorf("xmllint: %w: %s", runErr, strings.Join(rest, "\n")))
	}
	return faults
}

// excerpt is enough of a document to know it by.
func excerpt(doc []byte) string {
	const most = 3000
	if len(doc) <= most {
		return string(doc)
	}
	return fmt.Sprintf("%s… (%d bytes)", doc[:most], len(doc))
}
