package main

// Another program at the same mailboxes: exchangelib, kept running and asked line by line.

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// readerScript answers each line of JSON on its standard input with one on its standard output.
const readerScript = `
import json, sys, warnings
warnings.filterwarnings("ignore")
from exchangelib import BASIC, DELEGATE, Account, Configuration, Credentials, ExtendedProperty, FaultTolerance, HTMLBody, Mailbox, Message
from exchangelib.protocol import BaseProtocol

BaseProtocol.TIMEOUT = 60

class Kind(ExtendedProperty):
    property_tag = 0x001A
    property_type = "String"

class Flags(ExtendedProperty):
    property_tag = 0x0E07
    property_type = "Integer"

Message.register("x_kind", Kind)
Message.register("x_flags", Flags)
accounts = {}

def account(ask):
    user = ask["user"] + "@example.test"
    if user not in accounts:
        config = Configuration(service_endpoint=ask["url"], credentials=Credentials(user, ask["password"]), auth_type=BASIC, retry_policy=FaultTolerance(max_wait=30))
        accounts[user] = Account(user, config=config, autodiscover=False, access_type=DELEGATE)
    return accounts[user]

def folder(ask):
    return getattr(account(ask), ask["folder"])

def items(ask):
    return [{"id": i.id, "class": i.item_class, "subject": i.subject or "", "text": str(i.body or ""), "draft": bool(i.is_draft), "read": bool(i.is_read),
             "from": i.author.email_address if i.author else "", "to": sorted(m.email_address or "" for m in i.to_recipients or [])} for i in folder(ask).all()]

def keep(ask):
    m = Message(folder=folder(ask), subject=ask["subject"], body=HTMLBody(ask["text"]), x_kind="IPM.Note.Microsoft.Conversation", is_read=True, x_flags=1,
                author=Mailbox(email_address=ask["from"]), to_recipients=[Mailbox(email_address=ask["user"] + "@example.test")])
    m.save()
    return []

for line in sys.stdin:
    ask = json.loads(line)
    try:
        said = {"items": {"items": items, "keep": keep}[ask["do"]](ask)}
    except Exception as e:
        said = {"error": repr(e)}
    print(json.dumps(said), flush=True)
`

// reader is a running exchangelib.
type reader struct {
	t    testing.TB
	url  string
	in   io.Writer
	said chan string
}

// kept is a message of a mailbox as exchangelib reads it.
type kept struct {
	ID, Class, Subject, Text, From string
	To                             []string
	Draft, Read                    bool
}

// exchangelib starts the program for the mailboxes of an Exchange server; it ends with the test.
func exchangelib(t testing.TB, url string) *reader {
	t.Helper()
	dir := t.TempDir()
	environ := append(os.Environ(), "HOME="+dir, "TMPDIR="+dir, "PYTHONDONTWRITEBYTECODE=1", "TZ=UTC", "LC_ALL=C.UTF-8", "NO_PROXY=*")
	const python = "/usr/bin/python3"
	check := exec.Command(python, "-c", "import exchangelib")
	check.Dir, check.Env = dir, environ
	if out, err := check.CombinedOutput(); err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatalf("PORTICO_REQUIRE_PEERS=1 and no exchangelib: %v\n%s", err, out)
		}
		t.Skip("needs exchangelib (Debian: python3-exchangelib)")
	}
	cmd := exec.Command(python, "-u", "-c", readerScript)
	cmd.Dir, cmd.Env = dir, environ
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var trouble strings.Builder
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, url: url, in: in, said: make(chan string)}
	stop := make(chan struct{})
	go func() {
		defer close(r.said)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			select {
			case r.said <- line:
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		_ = cmd.Process.Kill()
		for range r.said { // until the reader has ended
		}
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("exchangelib: %s", trouble.String())
		}
	})
	return r
}

// ask has the program do something in a folder of somebody.
func (r *reader) ask(do, user, folder string, more map[string]string) []kept {
	r.t.Helper()
	question := map[string]string{"do": do, "user": user, "folder": folder, "url": r.url, "password": labPassword}
	for k, v := range more {
		question[k] = v
	}
	line, err := json.Marshal(question)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		r.t.Fatalf("exchangelib is gone: %v", err)
	}
	limit := time.NewTimer(longest)
	defer limit.Stop()
	var answer struct {
		Items []kept
		Error string
	}
	select {
	case said, ok := <-r.said:
		if err := json.Unmarshal([]byte(said), &answer); err != nil || !ok {
			r.t.Fatalf("exchangelib said %q: %v", said, err)
		}
	case <-limit.C:
		r.t.Fatalf("exchangelib does not answer to %s", do)
	}
	if answer.Error != "" {
		r.t.Fatalf("exchangelib could not %s for %s: %s", do, user, answer.Error)
	}
	return answer.Items
}

// conversations is the Conversation History of somebody.
func (r *reader) conversations(user string) []kept {
	r.t.Helper()
	return r.ask("items", user, "conversation_history", nil)
}

// holds waits until somebody's Conversation History has exactly one item with a text, and gives it.
func (r *reader) holds(user, text string) kept {
	r.t.Helper()
	var with []kept
	await(r.t, longest, "one conversation with "+text+" in the mailbox of "+user, func() bool {
		with = nil
		for _, k := range r.conversations(user) {
			if strings.Contains(k.Text, text) {
				with = append(with, k)
			}
		}
		return len(with) > 0
	})
	if len(with) != 1 {
		r.t.Fatalf("%s has %d conversations with %q: %+v", user, len(with), text, with)
	}
	return with[0]
}
