package ewslab

// Photos: a picture for every person, made from their name, by SOAP and by plain GET.

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strconv"
	"strings"
)

// photoSizes are the sizes that are kept, in pixels.
func photoSizes() []int { return []int{48, 64, 96, 120, 240, 360, 432, 504, 648} }

// photoSize reads HR96x96. A size that is not kept gives the largest, as Exchange does.
func photoSize(text string) (int, bool) {
	side, other, ok := strings.Cut(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "HR"), "X")
	n, err := strconv.Atoi(side)
	if !ok || err != nil || side != other || n < 1 {
		return 0, false
	}
	for _, kept := range photoSizes() {
		if n == kept {
			return n, true
		}
	}
	return 648, true
}

// hasPhoto says whether a line of the address book has a picture: people have, rooms and lists have not.
func (e *entry) hasPhoto() bool { return e != nil && e.Mailbox != nil && !e.Person.Room }

// photo draws head and shoulders in the person's colour.
func (e *entry) photo(size int) ([]byte, error) {
	h := fnv.New32a()
	// A hash takes every write.
	_, _ = h.Write([]byte(e.Email))
	sum := h.Sum32()
	back := color.RGBA{uint8(60 + sum%120), uint8(60 + sum>>8%120), uint8(60 + sum>>16%120), 255}
	front := color.RGBA{255 - back.R/3, 255 - back.G/3, 255 - back.B/3, 255}
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			img.SetRGBA(x, y, back)
			if inFigure(float64(x)/float64(size)-0.5, float64(y)/float64(size)) {
				img.SetRGBA(x, y, front)
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("ewslab: photo: %w", err)
	}
	return b.Bytes(), nil
}

// inFigure says whether a point, x from the middle and y from the top, lies in the head or the shoulders.
func inFigure(x, y float64) bool {
	head := x*x+(y-0.38)*(y-0.38) < 0.18*0.18
	shoulders := x*x/(0.34*0.34)+(y-1)*(y-1)/(0.36*0.36) < 1
	return head || shoulders
}

// opGetUserPhoto answers a photo by SOAP.
func (s *Server) opGetUserPhoto(c *call) (*node, error) {
	size, ok := photoSize(c.req.text("SizeRequested"))
	e := s.people.find(c.req.text("Email"))
	var failed error
	switch {
	case !ok:
		failed = fail("ErrorInvalidPhotoSize", "The photo size is invalid.")
	case e == nil:
		failed = fail("ErrorRecipientNotFound", "The recipient was not found.")
	case !e.hasPhoto():
		failed = fail(errorItemNotFound, "There is no photo.")
	}
	if failed != nil {
		// The type demands HasChanged of an error too.
		msg, err := c.message([]*node{m("HasChanged", false)}, failed)
		if err != nil {
			return nil, err
		}
		msg.Name = "GetUserPhotoResponse"
		return msg, nil
	}
	data, err := e.photo(size)
	if err != nil {
		return nil, err
	}
	return m("GetUserPhotoResponse", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), m("HasChanged", true),
		m("PictureData", base64.StdEncoding.EncodeToString(data))), nil
}

// servePhoto answers GET .../s/GetUserPhoto?email=..&size=HR48x48; false: another path.
func (s *Server) servePhoto(w http.ResponseWriter, r *http.Request) bool {
	if !strings.EqualFold(r.URL.Path, Path+"/s/GetUserPhoto") {
		return false
	}
	if _, ok := s.auth.authenticate(w, r); !ok {
		return true
	}
	size, ok := photoSize(r.URL.Query().Get("size"))
	e := s.people.find(r.URL.Query().Get("email"))
	if !ok || !e.hasPhoto() {
		http.NotFound(w, r)
		return true
	}
	tag := fmt.Sprintf(`"%s-%d"`, e.Mailbox.User, size)
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	data, err := e.photo(size)
	if err != nil {
		s.log.Error("no photo", "error", err)
		http.Error(w, "no photo", http.StatusInternalServerError)
		return true
	}
	w.Header().Set("Content-Type", "image/jpeg")
	if _, err := w.Write(data); err != nil {
		s.log.Debug("the photo was not read", "error", err)
	}
	return true
}
