package ewslab

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pull asks for one page of changes and answers them as "Create subject", the state after them and whether it was the last page.
func (c caller) pull(state string, limit int, ignore ...string) (changes []string, next string, last bool) {
	c.t.Helper()
	msg := c.ok(syncItems(state, limit, ignore...))
	for _, n := range msg.kid("Changes").kids() {
		what := n.Name + " "
		switch n.Name {
		case "Delete":
			what += n.kid("ItemId").attr("Id")
		case "ReadFlagChange":
			what += n.kid("ItemId").attr("Id") + " " + n.text("IsRead")
		default:
			what += n.Kids[0].kid("ItemId").attr("Id") + " " + n.Kids[0].text("Subject")
		}
		changes = append(changes, what)
	}
	return changes, msg.text("SyncState"), msg.flag("IncludesLastItemInRange")
}

func syncItems(state string, limit int, ignore ...string) string {
	if state != "" {
		state = `<m:SyncState>` + state + `</m:SyncState>`
	}
	skip := ""
	for _, id := range ignore {
		skip += `<t:ItemId Id="` + id + `"/>`
	}
	if skip != "" {
		skip = `<m:Ignore>` + skip + `</m:Ignore>`
	}
	return fmt.Sprintf(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:SyncFolderId>%s</m:SyncFolderId>%s%s<m:MaxChangesReturned>%d</m:MaxChangesReturned></m:SyncFolderItems>`, folderID("calendar"), state, skip, limit)
}

func TestSynchronisation(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one, two := alice.meet("one", "2026-03-03T09:00:00Z"), alice.create(weekly("two", 3))
	got, state, last := alice.pull("", 10)
	equal(t, fmt.Sprint(got, last), fmt.Sprint([]string{"Create " + one.ID + " one", "Create " + two.ID + " two"}, true))
	got, state, _ = alice.pull(state, 10)
	equal(t, len(got), 0)
	three := alice.meet("three", "2026-03-04T09:00:00Z")
	alice.ok(alice.update(one.item(), "AutoResolve", setField("item:Subject", "<t:Subject>uno</t:Subject>")))
	alice.ok(alice.update(occurrenceID(two, 2), "AutoResolve", setField("item:Subject", "<t:Subject>changed</t:Subject>"))) // its series is reported
	old := state
	got, state, _ = alice.pull(state, 10)
	equal(t, got, []string{"Create " + three.ID + " three", "Update " + one.ID + " uno", "Update " + two.ID + " two"})
	got, _, _ = alice.pull(old, 10, one.ID)
	equal(t, len(got), 2)
	alice.ok(alice.remove(one.item()))
	moved := refOf(alice.ok(`<m:MoveItem><m:ToFolderId>`+folderID("deleteditems")+`</m:ToFolderId><m:ItemIds>`+three.item()+`</m:ItemIds></m:MoveItem>`).kid("Items", "CalendarItem", "ItemId"))
	got, state, _ = alice.pull(state, 10)
	equal(t, got, []string{"Delete " + one.ID, "Delete " + three.ID})
	back := refOf(alice.ok(`<m:MoveItem><m:ToFolderId>`+folderID("calendar")+`</m:ToFolderId><m:ItemIds>`+moved.item()+`</m:ItemIds></m:MoveItem>`).kid("Items", "CalendarItem", "ItemId"))
	alice.ok(alice.update(back.item(), "AutoResolve", `<t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:CalendarItem><t:Subject>back</t:Subject></t:CalendarItem></t:SetItemField>`))
	got, state, _ = alice.pull(state, 10)
	equal(t, got, []string{"Create " + back.ID + " back"})
	never := alice.meet("never", "2026-03-05T09:00:00Z")
	alice.ok(alice.remove(never.item()))
	got, _, _ = alice.pull(state, 10)
	equal(t, len(got), 0)
}

func TestReadFlagsAreTheirOwnChange(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	msg := refOf(alice.ok(createItem(`MessageDisposition="SaveOnly"`, `<t:Message><t:Subject>m</t:Subject></t:Message>`)).kid("Items", "Message", "ItemId"))
	drafts := func(state string) *node {
		return alice.ok(strings.Replace(syncItems(state, 10), folderID("calendar"), folderID("drafts"), 1))
	}
	state := drafts("").text("SyncState")
	alice.ok(alice.update(msg.item(), "AutoResolve", `<t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>0</t:IsRead></t:Message></t:SetItemField>`))
	change := drafts(state).kid("Changes", "ReadFlagChange")
	equal(t, change.kid("ItemId").attr("Id")+" "+change.text("IsRead"), msg.ID+" false")
	alice.ok(alice.update(msg.item(), "AutoResolve", `<t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>n</t:Subject></t:Message></t:SetItemField>`))
	equal(t, drafts(state).text("Changes", "Update", "Message", "Subject"), "n")
}

func TestStatesThatAreRefused(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	_, state, _ := alice.pull("", 10)
	other := alice.ok(`<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape></m:SyncFolderHierarchy>`).text("SyncState")
	for _, bad := range []string{"junk", "AAAA", state[:len(state)-4], other} {
		if code := alice.code(syncItems(bad, 10)); code != "ErrorInvalidSyncStateData" {
			t.Errorf("%q: %s", bad, code)
		}
	}
	equal(t, l.as("bob").code(syncItems(state, 10)), "ErrorInvalidSyncStateData")
	equal(t, alice.refused(strings.Replace(syncItems(state, 10), ">10<", ">513<", 1)), errorSchemaValidation)
	equal(t, alice.code(strings.Replace(syncItems("", 10), folderID("calendar"), `<t:DistinguishedFolderId Id="archiveinbox"/>`, 1)), "ErrorSyncFolderNotFound")
}

func TestTheHierarchyIsSynchronised(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	pull := func(state string) (out []string, next string) {
		if state != "" {
			state = `<m:SyncState>` + state + `</m:SyncState>`
		}
		msg := alice.ok(`<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>` + state + `</m:SyncFolderHierarchy>`)
		for _, c := range msg.kid("Changes").kids() {
			out = append(out, c.Name+" "+c.Kids[0].text("DisplayName"))
		}
		return out, msg.text("SyncState")
	}
	all, state := pull("")
	if !slices.Contains(all, "Create Calendar") || !slices.Contains(all, "Create Inbox") {
		t.Errorf("%q", all)
	}
	f := alice.makeFolder(folderID("inbox"), "Folder", "Sub")
	got, state := pull(state)
	equal(t, got, "[Create Sub]")
	alice.ok(`<m:UpdateFolder><m:FolderChanges><t:FolderChange>` + f.folder() + `<t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>Subs</t:DisplayName></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`)
	got, state = pull(state)
	equal(t, got, "[Update Subs]")
	alice.ok(`<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds>` + f.folder() + `</m:FolderIds></m:DeleteFolder>`)
	got, state = pull(state)
	equal(t, got, "[Delete ]")
	got, _ = pull(state)
	equal(t, len(got), 0)
}

// Whatever happens between and within the pages, a client that applies the changes ends with what the server has.
func TestSynchronisationConverges(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			l := start(t)
			alice := l.as("alice")
			random := rand.New(rand.NewPCG(seed, 1))
			server, client, state := map[string]string{}, map[string]string{}, ""
			for step := range 40 {
				for range random.IntN(4) {
					alice.mutate(random, server, step)
				}
				changes, next, last := alice.pull(state, 1+random.IntN(3))
				state = next
				apply(t, client, changes)
				for !last && random.IntN(3) > 0 {
					alice.mutate(random, server, step)
					changes, state, last = alice.pull(state, 1+random.IntN(3))
					apply(t, client, changes)
				}
			}
			for rounds, last := 0, false; ; rounds++ {
				var changes []string
				changes, state, last = alice.pull(state, 5)
				apply(t, client, changes)
				if last && len(changes) == 0 {
					break
				}
				if rounds > 200 {
					t.Fatal("the changes do not end")
				}
			}
			if !maps.Equal(client, server) {
				t.Errorf("client %v\nserver %v", client, server)
			}
		})
	}
}

// mutate changes the calendar and what it is known to hold.
func (c caller) mutate(random *rand.Rand, have map[string]string, step int) {
	c.t.Helper()
	ids := slices.Sorted(maps.Keys(have))
	subject := fmt.Sprintf("s%d-%d", step, random.IntN(1000))
	if len(ids) == 0 || random.IntN(3) == 0 {
		have[c.meet(subject, "2026-03-03T09:00:00Z").ID] = subject
		return
	}
	id := ids[random.IntN(len(ids))]
	if random.IntN(3) == 0 {
		c.ok(c.remove(ref{ID: id}.item()))
		delete(have, id)
		return
	}
	c.ok(c.update(ref{ID: id}.item(), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>"+subject+"</t:Subject>")))
	have[id] = subject
}

func apply(t *testing.T, have map[string]string, changes []string) {
	t.Helper()
	for _, c := range changes {
		p := strings.SplitN(c, " ", 3)
		switch _, known := have[p[1]]; {
		case p[0] == "Delete":
			delete(have, p[1])
		case p[0] == "Create" && known:
			t.Errorf("created twice: %s", c)
		case p[0] == "Update" && !known:
			t.Errorf("changed before it was created: %s", c)
		default:
			have[p[1]] = p[2]
		}
	}
}
