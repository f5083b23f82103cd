package rooms_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/app/rooms"
)

// picture draws one in a format.
func picture(t testing.TB, format string, w, h int) string {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White})
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, img)
	case "jpeg":
		err = jpeg.Encode(&b, img, nil)
	case "gif":
		err = gif.Encode(&b, img, nil)
	case "webp": // the head alone: nothing more is looked at
		b.WriteString("RIFF\x40\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00")
		b.Write([]byte{byte(w - 1), byte((w - 1) >> 8), byte((w - 1) >> 16), byte(h - 1), byte((h - 1) >> 8), byte((h - 1) >> 16)})
		b.WriteString(strings.Repeat("x", 40))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bomb is a picture of a few bytes that says it has more pixels than any memory.
func bomb() string {
	chunk := func(kind string, data []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		body := append([]byte(kind), data...)
		return binary.BigEndian.AppendUint32(append(out, body...), crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 60_000), 60_000)
	return "\x89PNG\r\n\x1a\n" + string(chunk("IHDR", append(head, 8, 2, 0, 0, 0))) + string(chunk("IDAT", nil)) + string(chunk("IEND", nil))
}

func TestFilesAreWhatTheyHold(t *testing.T) {
	h := build(t, rooms.Options{Burst: 1000, MaxPixels: 1_000_000, MaxFile: 1 << 20})
	at := h.room(portal.RoomDraft{Title: "Files", Members: []portal.Address{bob}})
	for _, c := range []struct {
		name, content, kept, kind string
		width, height             int
	}{
		{"photo.png", picture(t, "png", 30, 20), "photo.png", "image/png", 30, 20},
		{"photo.exe", picture(t, "jpeg", 31, 21), "photo.exe", "image/jpeg", 31, 21},
		{"x.gif", picture(t, "gif", 32, 22), "x.gif", "image/gif", 32, 22},
		{"x.webp", picture(t, "webp", 300, 200), "x.webp", "image/webp", 300, 200},
		{"huge.webp", picture(t, "webp", 3000, 2000), "huge.webp", "application/octet-stream", 0, 0},
		{"bomb.png", bomb(), "bomb.png", "application/octet-stream", 0, 0},
		{"large.png", picture(t, "png", 2000, 1000), "large.png", "application/octet-stream", 0, 0},
		{"cut.png", picture(t, "png", 30, 20)[:20], "cut.png", "application/octet-stream", 0, 0},
		{"page.png", "<html><script>alert(1)</script></html>", "page.png", "application/octet-stream", 0, 0},
		{"pic.svg", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "pic.svg", "application/octet-stream", 0, 0},
		{"note.txt", "just words", "note.txt", "text/plain", 0, 0},
		{"doc.pdf", "%PDF-1.7 ...", "doc.pdf", "application/pdf", 0, 0},
		{"../../etc/passwd", "root", "passwd", "text/plain", 0, 0},
		{"C:\\Users\\x\\photo\u202egnp.exe", "MZ\x00\x01", "photognp.exe", "application/octet-stream", 0, 0},
		{"", "x", "file", "text/plain", 0, 0},
	} {
		f, err := h.Upload(t.Context(), bob, at, c.name, strings.NewReader(c.content))
		if err != nil || f.Name != c.kept || f.Type != c.kind || f.Width != c.width || f.Height != c.height || f.Size != int64(len(c.content)) || len(f.ID) < 20 {
			t.Errorf("%q: %+v %v", c.name, f, err)
		}
	}
	_, err := h.Upload(t.Context(), bob, at, "x", strings.NewReader(""))
	refused(t, "nothing", err, "file.empty")
	_, err = h.Upload(t.Context(), bob, at, "x", strings.NewReader(strings.Repeat("x", 1<<20+1)))
	refused(t, "too much", err, "file.too-large")
	_, err = h.Upload(t.Context(), carol, at, "x", strings.NewReader("x"))
	refused(t, "from outside", err, "room.join-first")
}

// TestFilesThatWaitAreBounded: in number and in bytes, over all rooms, until they are said.
func TestFilesThatWaitAreBounded(t *testing.T) {
	for what, c := range map[string]struct {
		size, many int
	}{"number": {1, 20}, "bytes": {1000, 10}} {
		t.Run(what, func(t *testing.T) {
			h := build(t, rooms.Options{Burst: 1000, MaxFile: 1000})
			ctx, content := t.Context(), strings.Repeat("x", c.size)
			at := h.room(portal.RoomDraft{Title: "Files", Members: []portal.Address{bob}})
			other := h.room(portal.RoomDraft{Title: "More", Members: []portal.Address{bob}})
			var last portal.File
			for i := range c.many {
				var err error
				last, err = h.Upload(ctx, bob, []portal.Address{at, other}[i%2], "x", strings.NewReader(content))
				fine(t, "upload", err)
			}
			body := strings.NewReader(content)
			_, err := h.Upload(ctx, bob, at, "x", body)
			refused(t, "one more", err, "file.waiting")
			if portal.Meaning(err) != portal.ErrTooMany || body.Len() != c.size {
				t.Errorf("%v, %d bytes were left", err, body.Len())
			}
			_, err = h.Upload(ctx, alice, at, "x", strings.NewReader(content))
			fine(t, "another's", err)
			_, err = h.Say(ctx, bob, other, portal.RoomSaying{ID: "1", Files: []string{last.ID}})
			fine(t, "say", err)
			_, err = h.Upload(ctx, bob, at, "x", strings.NewReader(content))
			fine(t, "one more after one was said", err)
		})
	}
}

func TestFilesBelongToTheirMessage(t *testing.T) {
	h := build(t, rooms.Options{Rate: 1, Burst: 4})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Files", Members: []portal.Address{bob}})
	f, err := h.Upload(ctx, bob, at, "plan.txt", strings.NewReader("the plan"))
	fine(t, "upload", err)
	_, _, err = h.OpenFile(ctx, alice, at, f.ID)
	refused(t, "another's before it is said", err, "file.not-found")
	_, err = h.Say(ctx, alice, at, portal.RoomSaying{ID: "1", Files: []string{f.ID}})
	refused(t, "another's", err, "file.not-found")
	d := portal.RoomSaying{ID: "1", Files: []string{f.ID, f.ID}}
	m, err := h.Say(ctx, bob, at, d)
	if err != nil || len(m.Files) != 1 || m.Text != "" {
		t.Fatalf("%+v %v", m, err)
	}
	if again, err := h.Say(ctx, bob, at, d); err != nil || again.Place != m.Place {
		t.Errorf("a repetition: %+v %v", again, err)
	}
	_, err = h.Say(ctx, bob, at, portal.RoomSaying{ID: "2", Files: []string{f.ID}})
	refused(t, "a file in two messages", err, "file.not-found")
	for _, who := range []portal.Address{alice, bob} {
		got, content, err := h.OpenFile(ctx, who, at, f.ID)
		fine(t, "open", err)
		if body, err := io.ReadAll(content); err != nil || string(body) != "the plan" || got != f {
			t.Errorf("%s reads %q of %+v, %v", who, body, got, err)
		}
		fine(t, "close", content.Close())
	}
	_, err = h.Join(ctx, carol, at)
	fine(t, "join", err)
	_, _, err = h.OpenFile(ctx, carol, at, f.ID)
	refused(t, "from before carol came", err, "file.not-found")
	_, _, err = h.OpenFile(ctx, dave, at, f.ID)
	refused(t, "from outside", err, "room.members-only")
	for range 10 {
		if _, err = h.Upload(ctx, bob, at, "x", strings.NewReader("x")); err != nil {
			break
		}
	}
	refused(t, "a flood of files", err, "room.flood")
}
