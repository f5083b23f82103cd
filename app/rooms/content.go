package rooms

// What a file is, told from its content alone.

import (
	"encoding/binary"
	"errors"
	"image"
	_ "image/gif" // the pictures that pages show
	_ "image/jpeg"
	_ "image/png"
	"io"
	"net/http"
	"strings"
)

const (
	// plainFile is the type of whatever is only downloaded.
	plainFile = "application/octet-stream"
	// sniffed is how much of a content http.DetectContentType looks at.
	sniffed = 512
	// maxHeader is how far into a picture its measures are looked for: behind a camera's notes and colour profiles.
	maxHeader = 4 << 20
)

// recognise gives a content's media type, and the measures of a picture that may be shown: whole at its beginning, of
// at most maxPixels. No other picture has a picture's type, and nothing has the type of something that a browser
// would run. Nothing is decoded but headers. An error is one of reading.
func recognise(r io.ReadSeeker, maxPixels int) (kind string, width, height int, err error) {
	head := make([]byte, sniffed)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", 0, 0, err
	}
	head = head[:n]
	kind = mediaType(head)
	switch kind {
	case "image/png", "image/jpeg", "image/gif":
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return "", 0, 0, err
		}
		c, _, err := image.DecodeConfig(io.LimitReader(r, maxHeader))
		if err != nil {
			return plainFile, 0, 0, nil // not the picture it claims to be
		}
		width, height = c.Width, c.Height
	case "image/webp":
		width, height = webpSize(head)
	default:
		return kind, 0, 0, nil
	}
	if width <= 0 || height <= 0 || width > maxPixels/height {
		return plainFile, 0, 0, nil
	}
	return kind, width, height, nil
}

// mediaType is the type by the first bytes, without parameters: one of those that do no harm where they are opened.
func mediaType(head []byte) string {
	kind, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch family, _, _ := strings.Cut(kind, "/"); {
	case family == "audio", family == "video", kind == "text/plain", kind == "application/pdf", kind == "application/zip",
		kind == "application/x-gzip", kind == "application/ogg", kind == "application/x-rar-compressed":
		return kind
	case kind == "image/png", kind == "image/jpeg", kind == "image/gif", kind == "image/webp":
		return kind
	}
	return plainFile
}

// webpSize reads the measures from the head of a WebP picture (RFC 9649 section 2); zeros where they are not there.
func webpSize(head []byte) (width, height int) {
	if len(head) < 30 {
		return 0, 0
	}
	u24 := func(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
	switch data := head[20:]; string(head[12:16]) {
	case "VP8X":
		return u24(data[4:]) + 1, u24(data[7:]) + 1
	case "VP8L":
		if data[0] != 0x2f {
			return 0, 0
		}
		bits := binary.LittleEndian.Uint32(data[1:])
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1
	case "VP8 ":
		if data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a {
			return 0, 0
		}
		return int(binary.LittleEndian.Uint16(data[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(data[8:]) & 0x3fff)
	}
	return 0, 0
}
