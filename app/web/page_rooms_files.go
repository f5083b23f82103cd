package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// Files of rooms: in by a form's stream, without being held in memory; out to members only, and so that no browser runs
// what is in them.

const (
	// uploadTime is how long a file may take to come in.
	uploadTime = 10 * time.Minute
	// maxRoomUpload is the largest body that brings files, in bytes: that no single file is too large is seen while it comes in.
	maxRoomUpload = 2 << 30
	// maxField is the largest field beside the files of a form, in bytes.
	maxField = 64 << 10
	// maxParts is how many parts a form has: as many files as a message takes, and about as many fields.
	maxParts = 2 * portal.MaxFiles
)

// roomUpload reports whether a request brings files to a room: by the API, or with a message by the page's form.
func roomUpload(path, contentType string) bool {
	rest, ok := strings.CutPrefix(path, "/rooms/")
	return ok && strings.HasPrefix(contentType, formType) && rest != "" && (strings.HasSuffix(rest, "/files") || !strings.Contains(rest, "/"))
}

// patient gives a request that brings a file more time than others have to come in.
func patient(c echo.Context) error {
	deadline := time.Now().Add(uploadTime)
	control := http.NewResponseController(c.Response())
	err := errors.Join(control.SetReadDeadline(deadline), control.SetWriteDeadline(deadline.Add(writeTimeout)))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("more time for an upload: %w", err)
	}
	return nil
}

// eachPart goes through the parts of a form as they come in.
func eachPart(c echo.Context, do func(*multipart.Part) error) error {
	if err := patient(c); err != nil {
		return err
	}
	parts, err := c.Request().MultipartReader()
	if err != nil {
		return formError(err)
	}
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return formError(err)
		}
		if err := do(part); err != nil {
			return err
		}
	}
	if _, err = parts.NextPart(); errors.Is(err, io.EOF) {
		return nil
	}
	return formError(errors.Join(errors.New("the form has too many parts"), err))
}

// uploadPart puts one part of a form into a room.
func (s *Server) uploadPart(c echo.Context, room portal.Address, part *multipart.Part) (portal.File, error) {
	name := fileName(strings.ReplaceAll(part.FileName(), "%22", `"`))
	f, err := s.Rooms.Upload(c.Request().Context(), s.person(c), room, name, part)
	if err != nil && (portal.Reason(err) == "file.too-large" || classify(err).status == http.StatusRequestEntityTooLarge) {
		return f, tooLargeFile(s.largestOf(s.person(c)))
	}
	return f, err
}

// roomSaying reads the composer's form, with files or without.
func (s *Server) roomSaying(c echo.Context, room portal.Address) (portal.RoomSaying, error) {
	var in portal.RoomSaying
	if !strings.HasPrefix(c.Request().Header.Get("Content-Type"), formType) {
		if err := form(c); err != nil {
			return in, err
		}
		return in, setSaying(&in, map[string]string{"id": c.FormValue("id"), "text": c.FormValue("text"), "reply_to": c.FormValue("reply_to")})
	}
	fields := map[string]string{}
	err := eachPart(c, func(part *multipart.Part) error {
		if part.FileName() == "" {
			value, err := io.ReadAll(io.LimitReader(part, maxField+1))
			if err != nil || len(value) > maxField {
				return formError(err)
			}
			fields[part.FormName()] = string(value)
			return nil
		}
		if len(in.Files) >= portal.MaxFiles {
			return portal.Fail(portal.ErrInvalid, "file.many").With("Max", strconv.Itoa(portal.MaxFiles))
		}
		f, err := s.uploadPart(c, room, part)
		in.Files = append(in.Files, f.ID)
		return err
	})
	in.Text = fields["text"]
	if err != nil {
		return in, err
	}
	return in, setSaying(&in, fields)
}

func setSaying(in *portal.RoomSaying, fields map[string]string) error {
	in.ID, in.Text = fields["id"], fields["text"]
	if fields["reply_to"] == "" {
		return nil
	}
	at, err := place(fields["reply_to"])
	in.Replies = at
	return err
}

// roomFile answers with a file of a room: pictures to be shown, all else to be kept. Whatever it is, nothing in it runs.
func (s *Server) roomFile(c echo.Context) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	id, err := pathText(c, "file")
	if err != nil {
		return err
	}
	f, body, err := s.Rooms.OpenFile(c.Request().Context(), s.person(c), room, id)
	if err != nil {
		return err
	}
	defer body.Close()
	download(c, f.Name, bytesType)
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	if views.PictureType(f.Type) && c.QueryParam("download") == "" {
		h.Set("Content-Type", f.Type)
		h.Set("Content-Disposition", strings.Replace(h.Get("Content-Disposition"), "attachment", "inline", 1))
		// A picture is shown again and again and never changes, but whether one may see it does: it is asked each time.
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Set("ETag", `"`+f.ID+`"`)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, body)
	return nil
}

// largestOf is the largest file somebody may share, in bytes: as configured, or less where policy says so.
func (s *Server) largestOf(who portal.Address) int64 {
	most := s.maxFile()
	if s.InForce != nil {
		if less := s.InForce(who).MaxFileSize; less > 0 {
			most = min(most, less)
		}
	}
	return most
}
