package sipua

// Compressed bodies, under a limit.

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
)

// acceptEncoding is what we read, as Accept-Encoding names it.
const acceptEncoding = "deflate, gzip, identity"

// maxInflated is the largest body after decompression.
const maxInflated = 128 << 10

var errEncoding = errors.New("content encoding not supported")

// decodeBody undoes a Content-Encoding. "deflate" is zlib (RFC 1950) but clients also send it bare.
// An unknown encoding is errEncoding; anything too large or broken is another error.
func decodeBody(encoding string, body []byte) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return inflate(r)
	case "deflate":
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			return inflate(r)
		}
		return inflate(flate.NewReader(bytes.NewReader(body)))
	}
	return nil, errEncoding
}

func inflate(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if len(b) > maxInflated {
		return nil, fmt.Errorf("decompress: more than %d bytes", maxInflated)
	}
	return b, nil
}
