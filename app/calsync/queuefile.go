package calsync

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// The queue as a file: what could not be carried, with both versions of each appointment, to look at elsewhere or to put back.
// Uploading renews the jobs; the content in the file is for people and is not written anywhere.

const (
	// maxQueueFileJobs bounds a file's jobs, maxQueueFileDepth how deep it is nested; portal.MaxQueueFile its size.
	maxQueueFileJobs  = 10_000
	maxQueueFileDepth = 4
	// maxKey bounds a job's key in bytes.
	maxKey = 1024
	// maxQueueText bounds a text that a file holds, in bytes: the rest of a longer one is left out.
	maxQueueText = 2000
)

type queueFile struct {
	XMLName xml.Name  `xml:"sync-queue"`
	Version int       `xml:"version,attr"`
	Written time.Time `xml:"written,attr"`
	// Next: it is full; the file that goes on with what waits after it is the queue after this number. 0: it holds all.
	Next int64      `xml:"next,attr,omitempty"`
	Jobs []queueJob `xml:"job"`
}

type queueJob struct {
	Key       string     `xml:"key,attr"`
	Direction string     `xml:"direction,attr"`
	Mailbox   string     `xml:"mailbox,attr"`
	State     string     `xml:"state,attr"`
	Tries     int        `xml:"tries,attr"`
	Made      time.Time  `xml:"made,attr"`
	Start     *time.Time `xml:"start,attr,omitempty"`
	Quiet     bool       `xml:"quiet,attr,omitempty"`
	Subject   string     `xml:"subject,omitempty"`
	Reason    string     `xml:"reason,omitempty"`
	Cause     string     `xml:"cause,omitempty"`
	CRM       *queueSide `xml:"crm,omitempty"`
	Exchange  *queueSide `xml:"exchange,omitempty"`
}

// queueSide is one side's version of an appointment.
type queueSide struct {
	ID      string       `xml:"id,attr"`
	Version string       `xml:"version,attr"`
	Fields  []queueField `xml:"field"`
}

type queueField struct {
	Name string `xml:"name,attr"`
	// Shortened: the text is longer than stands here.
	Shortened bool   `xml:"shortened,attr,omitempty"`
	Text      string `xml:",chardata"`
}

// ExportQueue gives the jobs that a filter chooses as an XML document that ImportQueue takes in: at most 10,000, and as many as
// portal.MaxQueueFile holds; where there are more it says after which to go on. Long texts are shortened. Of private
// appointments it holds the times alone.
func (s *Service) ExportQueue(ctx context.Context, f portal.SyncQueueFilter) ([]byte, error) {
	if f.Limit <= 0 || f.Limit > maxQueueFileJobs {
		f.Limit = maxQueueFileJobs
	}
	most := f.Limit
	f.Limit++ // to see whether there are more
	jobs, err := s.l.SyncJobs(ctx, f)
	if err != nil {
		return nil, err
	}
	doc := queueFile{Version: 1, Written: s.o.Now().UTC()}
	var body bytes.Buffer
	for i, j := range jobs {
		q, err := s.queueJob(ctx, j)
		if err != nil {
			return nil, err
		}
		text, err := xml.MarshalIndent(struct {
			queueJob
			XMLName xml.Name `xml:"job"`
		}{queueJob: q}, " ", " ")
		if err != nil {
			return nil, fmt.Errorf("write the queue: %w", err)
		}
		if i == most || i > 0 && body.Len()+len(text) > portal.MaxQueueFile-queueFileFrame {
			doc.Next = jobs[i-1].Seq
			break
		}
		body.Write(text)
		body.WriteByte('\n')
	}
	frame, err := xml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write the queue: %w", err)
	}
	head, _ := bytes.CutSuffix(frame, []byte("</sync-queue>"))
	return slices.Concat([]byte(xml.Header), head, []byte("\n"), body.Bytes(), []byte("</sync-queue>\n")), nil
}

// queueFileFrame is room for what stands around a file's jobs, in bytes.
const queueFileFrame = 1024

// shortened is a text as a file holds it.
func shortened(text string) (string, bool) {
	if len(text) <= maxQueueText {
		return text, false
	}
	return strings.ToValidUTF8(text[:maxQueueText], "") + "…", true
}

// queueJob is a job with both versions of its appointment, as far as they are known here.
func (s *Service) queueJob(ctx context.Context, j portal.SyncJob) (queueJob, error) {
	q := queueJob{Key: j.Key, Direction: string(j.Direction), Mailbox: string(j.Mailbox), State: j.State, Tries: j.Tries, Made: j.MadeAt.UTC(), Quiet: j.Quiet,
		Subject: j.Subject, Reason: j.Reason}
	q.Cause, _ = shortened(j.Cause)
	if !j.Start.IsZero() {
		at := j.Start.UTC()
		q.Start = &at
	}
	w := s.begin(j)
	uid, err := w.gatherRecord(ctx)
	if err != nil {
		return q, err
	}
	if err := w.gatherPair(ctx, uid); err != nil {
		return q, err
	}
	if err := w.gatherCopies(ctx, uid); err != nil {
		return q, err
	}
	if r := w.f.Record; r != nil {
		q.CRM = &queueSide{ID: r.ID, Version: strconv.FormatInt(r.Revision, 10), Fields: queueFields(&r.Entry, !r.Gone.IsZero())}
	}
	at := slices.IndexFunc(w.f.Copies, func(c portal.SyncItem) bool {
		return c.Mailbox == j.Mailbox || w.pair != nil && c.Mailbox == w.pair.Mailbox && c.Entry.RemoteID == w.pair.RemoteID
	})
	if at >= 0 {
		c := &w.f.Copies[at]
		q.Exchange = &queueSide{ID: c.Entry.RemoteID, Version: c.Entry.ChangeKey, Fields: queueFields(&c.Entry, !c.Gone.IsZero())}
	}
	return q, nil
}

// queueFields is an appointment as texts by name.
func queueFields(e *portal.Entry, gone bool) []queueField {
	all := map[string]string{"start": e.Start.UTC().Format(time.RFC3339), "end": e.End.UTC().Format(time.RFC3339), "all-day": strconv.FormatBool(e.AllDay),
		"time-zone": e.TimeZone, "recurrence": e.Recurrence, "show": string(e.Show), "private": strconv.FormatBool(e.Private), "status": string(e.Status)}
	if gone {
		all["deleted"] = "true"
	}
	if !e.Private {
		var people []string
		for _, a := range e.Attendees {
			people = append(people, a.Email+" ("+string(a.Role)+", "+string(a.Response)+")")
		}
		all["subject"], all["location"], all["body"] = e.Subject, e.Location, e.Body
		all["organizer"], all["attendees"], all["categories"] = e.Organizer.Email, strings.Join(people, "; "), strings.Join(e.Categories, "; ")
	}
	var out []queueField
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			text, short := shortened(all[name])
			out = append(out, queueField{Name: name, Shortened: short, Text: text})
		}
	}
	return out
}

// ImportQueue renews the jobs of a document that ExportQueue wrote, so that each is tried now, and gives how many. A job whose
// appointment is on neither side any more is left out, and the transaction log says so. What is no such document is ErrInvalid.
func (s *Service) ImportQueue(ctx context.Context, by portal.Address, data []byte) (int, error) {
	doc, err := readQueueFile(data)
	if err != nil {
		return 0, err
	}
	now := s.o.Now()
	var jobs []portal.SyncJob
	var log []portal.SyncTransaction
	for i := range doc.Jobs {
		j := doc.Jobs[i].job(now)
		line := portal.SyncTransaction{At: now, Direction: j.Direction, What: "retry", Mailbox: j.Mailbox, Server: s.known().serverOf(j.Mailbox), Result: "done", By: string(by)}
		if uid, ok := cutUID(j.Key); ok {
			line.UID = uid
		} else {
			line.CRM = j.Key
		}
		there, err := s.refind(ctx, &j)
		if err != nil {
			return 0, err
		}
		if there {
			jobs = append(jobs, j)
		} else {
			line.Result = "skipped"
			line.Reason = keyGoneBoth
		}
		log = append(log, line)
	}
	if err := s.l.AddSyncJobs(ctx, jobs); err != nil {
		return 0, err
	}
	if err := s.l.LogSync(ctx, log...); err != nil {
		return 0, err
	}
	s.ringWork()
	s.o.Told()
	return len(jobs), nil
}

// refind reports whether the appointment of a job is known on either side, and names the job as it is known now.
func (s *Service) refind(ctx context.Context, j *portal.SyncJob) (bool, error) {
	w := s.begin(*j)
	uid, err := w.gatherRecord(ctx)
	if err != nil {
		return false, err
	}
	if err := w.gatherPair(ctx, uid); err != nil {
		return false, err
	}
	if err := w.gatherCopies(ctx, uid); err != nil {
		return false, err
	}
	switch r := w.f.Record; {
	case r != nil:
		j.Key, j.Subject, j.Start = r.ID, r.Subject, r.Start
		if r.Private {
			j.Subject = ""
		}
	case w.pair == nil && len(w.f.Copies) == 0:
		return false, nil
	}
	return true, nil
}

// readQueueFile reads and checks a document.
func readQueueFile(data []byte) (queueFile, error) {
	bad := func(why error) (queueFile, error) {
		return queueFile{}, portal.Fail(portal.ErrInvalid, keyFile).Because(why)
	}
	if len(data) > portal.MaxQueueFile {
		return bad(errors.New("it is too large"))
	}
	if err := plainXML(data); err != nil {
		return bad(err)
	}
	var doc queueFile
	if err := xml.Unmarshal(data, &doc); err != nil {
		return bad(err)
	}
	if doc.Version != 1 {
		return bad(fmt.Errorf("version %d", doc.Version))
	}
	for i := range doc.Jobs {
		if err := doc.Jobs[i].check(); err != nil {
			return bad(fmt.Errorf("job %d: %w", i+1, err))
		}
	}
	return doc, nil
}

// plainXML refuses documents that are nested deeply, hold too many jobs, or begin with more than XML needs.
func plainXML(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth, jobs := 0, 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.Directive:
			return errors.New("it has a document type")
		case xml.StartElement:
			if depth++; depth > maxQueueFileDepth {
				return errors.New("it is nested too deeply")
			}
			if tok.Name.Local == "job" {
				jobs++
			}
			if jobs > maxQueueFileJobs {
				return errors.New("it holds too many jobs")
			}
		case xml.EndElement:
			depth--
		}
	}
}

// check says what is wrong with a job of a file.
func (q *queueJob) check() error {
	uid, byUID := cutUID(q.Key)
	switch {
	case len(q.Key) > maxKey:
		return errors.New("its key is too long")
	case byUID && uid == "", !byUID && (!strings.HasPrefix(q.Key, portal.CRMPrefix) || q.Key == portal.CRMPrefix):
		return errors.New("its key is none")
	case q.Direction != string(portal.ToExchange) && q.Direction != string(portal.ToCRM):
		return errors.New("it has no direction")
	}
	if q.Mailbox == "" {
		return nil
	}
	who, err := portal.ParseAddress(q.Mailbox)
	if err == nil && string(who) != q.Mailbox {
		err = errors.New("its mailbox is not written as it should be")
	}
	return err
}

// job is a job of a file as a new one.
func (q *queueJob) job(now time.Time) portal.SyncJob {
	j := portal.SyncJob{Key: q.Key, Direction: portal.Direction(q.Direction), Mailbox: portal.Address(q.Mailbox), Subject: q.Subject, State: portal.JobWaiting, MadeAt: now, Quiet: q.Quiet}
	if q.Start != nil {
		j.Start = *q.Start
	}
	return j
}
