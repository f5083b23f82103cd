package rooms

// Asking rooms of the SIP server: a command goes out, and its answer comes in as a message of its own.

import (
	"context"
	"strconv"
	"time"

	"portico/app/portal"
)

// lateAnswers is how long after a question its answers are known as such.
const lateAnswers = 30 * time.Second

// asked is who waits for which kind of answer: of a room, or of any (room empty).
type asked struct {
	who, room portal.Address
	list      imcKind // imcRoomList, imcMemberList; else any word on one's own coming or going
}

// asking is one question under way; whoever asks the same meanwhile waits with it. Answer and err are set before done is
// closed.
type asking struct {
	done   chan struct{}
	heard  chan imcText
	answer imcText
	err    error
}

// ask sends a command to a room in who's name and waits for its answer, which comes as a message of its own. Errors:
// ErrForbidden ("room.server-refused": the server answered the command with a failure), ErrUnavailable
// ("room.server-silent"), those of the line.
func (v *server) ask(ctx context.Context, who, at portal.Address, text string, key asked) (imcText, error) {
	v.mu.Lock()
	a, under := v.waiting[key]
	if !under {
		a = &asking{done: make(chan struct{}), heard: make(chan imcText, 1)}
		v.waiting[key] = a
	}
	v.mu.Unlock()
	if under {
		select {
		case <-a.done:
			return a.answer, a.err
		case <-ctx.Done():
			return imcText{}, silent(ctx)
		}
	}
	// What comes too late is still an answer, and nothing that anybody said.
	v.s.recent.note(key.text(), nil, v.s.o.Now(), lateAnswers)
	a.answer, a.err = v.send(ctx, who, at, text, a)
	v.mu.Lock()
	delete(v.waiting, key)
	v.mu.Unlock()
	close(a.done)
	return a.answer, a.err
}

// send is the asking itself.
func (v *server) send(ctx context.Context, who, at portal.Address, text string, a *asking) (imcText, error) {
	_, err := v.s.line.Send(ctx, who, portal.Outgoing{To: at, ID: token(), Text: text, At: v.s.now()})
	if err != nil && ctx.Err() == nil {
		// imc answers a command it does not carry out with 500; without a line or a server nobody answers.
		if r := portal.Reason(err); portal.Meaning(err) != portal.ErrUnavailable || r == "send.server-error" {
			return imcText{}, portal.Fail(portal.ErrForbidden, "room.server-refused").Because(err)
		}
		return imcText{}, err
	}
	select {
	case answer := <-a.heard:
		return answer, nil
	case <-ctx.Done():
		return imcText{}, silent(ctx)
	}
}

func silent(ctx context.Context) error {
	return portal.Fail(portal.ErrUnavailable, "room.server-silent").Because(ctx.Err())
}

// text names the question among what is remembered.
func (k asked) text() string {
	return "imc " + string(k.who) + " " + string(k.room) + " " + strconv.Itoa(int(k.list))
}

// take notes what a line tells of the room and gives it to those who wait for it; it reports whether anybody did.
func (v *server) take(who, at portal.Address, line imcText) bool {
	own := line.who == user(who)
	key := asked{who: who, room: at}
	switch line.kind {
	case imcRoomList:
		key = asked{who: who, list: imcRoomList}
	case imcMemberList:
		key.list = imcMemberList
		v.sit(who, at, seat{in: true, members: line.names})
	case imcCame, imcWent:
		v.moved(who, at, line, own)
		if !own {
			return false
		}
	case imcIn:
		v.sit(who, at, seat{in: true})
	case imcOut:
		v.sit(who, at, seat{})
	case imcPrivate, imcOwner, imcNone:
	default:
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.waiting[key]
	if a == nil {
		_, asked := v.s.recent.seen(key.text(), v.s.o.Now())
		return asked
	}
	select {
	case a.heard <- line:
	default: // it has its answer
	}
	return true
}
