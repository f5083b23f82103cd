package realtime

import (
	"bytes"
	"compress/flate"
	"io"
	"net/http"
	"strings"
)

// What is long enough is packed (permessage-deflate, RFC 7692): once for all who read the same bytes, and never with what
// went before, so that a connection keeps nothing for it. A text of the portal gets to less than half.

// packFrom is the shortest body worth packing, in bytes.
const packFrom = 160

// OffersDeflate reports whether the request for a WebSocket offers permessage-deflate first and in a way that this package takes
// up: without limits to what the server sends. Only then may an Upgrader's EnableCompression be set, and Client.Packed.
func OffersDeflate(h http.Header) bool {
	offers := h.Values("Sec-WebSocket-Extensions")
	if len(offers) != 1 {
		return false
	}
	first, _, _ := strings.Cut(offers[0], ",")
	for i, param := range strings.Split(first, ";") {
		param = strings.TrimSpace(param)
		if i == 0 && param != "permessage-deflate" {
			return false
		}
		switch param {
		case "permessage-deflate", "client_max_window_bits", "client_no_context_takeover", "server_no_context_takeover":
		default:
			return false
		}
	}
	return true
}

// packer packs one body after the other. A hub keeps those that are idle; there are about as many as processors.
type packer struct {
	out bytes.Buffer
	w   *flate.Writer
}

func newPacker() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is in range
	}
	return &packer{w: w}
}

// pack gives body as the data of a compressed message (RFC 7692 section 7.2.1), or nil where it is to go as it is.
func (p *packer) pack(body []byte) []byte {
	p.out.Reset()
	p.w.Reset(&p.out)
	if _, err := p.w.Write(body); err != nil {
		return nil // a write to memory does not fail
	}
	if err := p.w.Flush(); err != nil {
		return nil
	}
	// What a flush ends with is left out; the reader adds it again.
	packed := bytes.TrimSuffix(p.out.Bytes(), []byte{0, 0, 0xff, 0xff})
	if len(packed) >= len(body) {
		return nil
	}
	return bytes.Clone(packed)
}
