package web

// What an IM client offers to office programs: found at one well-known address, signed in to without showing the person
// as there, and asked what the person may do. The rest of it, contacts and presence, is the API that everybody has.

import (
	_ "embed"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

//go:embed openapi_provider.json
var providerSchemas []byte

// discoveryPath is where programs begin (RFC 8615).
const discoveryPath = "/.well-known/portico"

// discovery says where everything is; addresses are absolute.
type discovery struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	API     string `json:"api"`
	OpenAPI string `json:"openapi"`
	SignIn  struct {
		// Methods are "password" for Session, or "oidc" for the browser alone, and "silent" beside "password".
		Methods []string `json:"methods"`
		Session string   `json:"session"`
		Page    string   `json:"page"`
	} `json:"signin"`
	Provider  string `json:"provider"`
	Contacts  string `json:"contacts"`
	Presence  string `json:"presence"`
	Events    string `json:"events"`
	WebSocket struct {
		URL       string   `json:"url"`
		Protocols []string `json:"protocols"`
	} `json:"websocket"`
	// Open takes a link to a person or room in place of "%s", percent-encoded.
	Open  string `json:"open"`
	Embed string `json:"embed"`
}

// discover answers programs that know this portal's host alone. It tells nothing of anybody, so every page may read it.
func (s *Server) discover(c echo.Context) error {
	base, live := s.here(c.Request())
	var d discovery
	d.Name, d.Version = "Portico", "1"
	d.API, d.OpenAPI = base+apiPrefix, base+apiPrefix+"/openapi.json"
	d.SignIn.Methods, d.SignIn.Session, d.SignIn.Page = []string{"password", "silent"}, d.API+"/session", base+"/signin"
	if s.OIDC != nil {
		d.SignIn.Methods = []string{"oidc"}
	}
	d.Provider, d.Contacts, d.Presence, d.Events = d.API+"/provider", d.API+"/contacts", d.API+"/presence/query", d.API+"/events"
	d.WebSocket.URL, d.WebSocket.Protocols = live+"/ws", []string{protocolJSON}
	d.Open, d.Embed = base+"/open?uri=%s", base+embedPrefix+"presence.js"
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=300")
	return s.json(c, http.StatusOK, d)
}

// here is this portal's address as its users have it, for HTTP and for WebSockets.
func (s *Server) here(r *http.Request) (base, live string) {
	if s.public != nil {
		base = s.public.Scheme + "://" + s.public.Host
	} else if s.overTLS(r) {
		base = "https://" + r.Host
	} else {
		base = "http://" + r.Host
	}
	return base, "ws" + base[len("http"):]
}

// providerCalls is the part of the route table that is about office programs.
func (s *Server) providerCalls() []call {
	return []call{{http.MethodGet, "/provider", person, s.apiProvider, aboutProvider}}
}

// providerJSON is what a program may do in the name of who is signed in.
type providerJSON struct {
	Me          portal.Address `json:"me"`
	DisplayName string         `json:"display_name"`
	// Silent: this session never shows the person as there.
	Silent       bool         `json:"silent"`
	Capabilities capabilities `json:"capabilities"`
	// States are the custom states that the person can choose.
	States []portal.CustomState `json:"states"`
}

// capabilities are in force now; the event "policies" says that they may have changed.
type capabilities struct {
	IM            bool `json:"im"`
	SaveIM        bool `json:"save_im"`
	Presence      bool `json:"presence"`
	SetPresence   bool `json:"set_presence"`
	AppearOffline bool `json:"appear_offline"`
	Note          bool `json:"note"`
	Contacts      bool `json:"contacts"`
	Groups        bool `json:"groups"`
	Rooms         bool `json:"rooms"`
	CreateRooms   bool `json:"create_rooms"`
	Calendar      bool `json:"calendar"`
	CalendarState bool `json:"calendar_state"`
	FreeBusy      bool `json:"free_busy"`
	History       bool `json:"history"`
	Calls         bool `json:"calls"`
	Privacy       bool `json:"privacy"`
}

var aboutProvider = operation{
	summary: "What the signed-in person may do under the policies in force, for programs that offer it on their behalf",
	answers: []answer{{status: 200, schema: "Provider"}},
}

func (s *Server) apiProvider(c echo.Context) error {
	known, err := s.session(c)
	if err != nil {
		return err
	}
	me, err := s.me(c)
	if err != nil {
		return err
	}
	rules := s.inForce(known.person)
	out := providerJSON{
		Me: known.person, DisplayName: me.DisplayName, Silent: known.silent, States: []portal.CustomState{},
		Capabilities: capabilities{
			IM: !rules.DisableIM, SaveIM: !rules.DisableSavingIM, Presence: true, SetPresence: !known.silent,
			AppearOffline: rules.EnableAppearOffline, Note: !rules.DisablePresenceNote,
			Contacts: true, Groups: s.Book != nil, Rooms: s.Rooms != nil, CreateRooms: s.Rooms != nil && rules.MayCreateRooms,
			Calendar: s.Calendar != nil, CalendarState: s.Calendar != nil && !rules.DisableCalendarPresence, FreeBusy: s.Calendar != nil && !rules.DisableFreeBusyInfo,
			History: s.History != nil, Calls: s.Calls != nil, Privacy: s.Privacy != nil,
		},
	}
	if s.States != nil {
		out.States = append(out.States, s.States(known.person)...)
	}
	if out.DisplayName == "" {
		out.DisplayName = known.person.Bare()
	}
	out.States = slices.Clip(out.States)
	return s.json(c, http.StatusOK, out)
}
