package config

import (
	"strconv"
	"time"
)

// Config is everything an operator can say. The comments of the single keys are in the table of options.go.
type Config struct {
	HTTP     HTTP
	Storage  Storage
	Signin   Signin
	SIP      SIP
	Presence Presence
	Chat     Chat
	Rooms    Rooms
	History  History
	Policy   Policy
	// Directory is the address book, LDAP a directory server for it and for signing in, OIDC a sign-in elsewhere.
	Directory Directory
	LDAP      LDAP
	OIDC      OIDC
	Embed     Embed
	Thin      Thin
	Audit     Audit
	EWS       EWS
	Calendar  Calendar
	CRM       CRM
	Sync      Sync
	Mail      Mail
	Lab       Lab
	Limits    Limits
	Log       Log

	// sources says by key where a value that is not the default came from; warnings is what Load noticed.
	sources  map[string]Source
	warnings []string
}

// Audit is the audit trail.
type Audit struct{ Retention time.Duration }

// HTTP is the door for browsers.
type HTTP struct {
	Listen         string
	PublicURL      string
	TLSCert        string
	TLSKey         string
	TrustedProxies []string
	AllowedOrigins []string
	MetricsSecret  Secret
}

// Storage is where things are kept.
type Storage struct {
	DSN     string
	DataDir string
}

// Signin is how people sign in.
type Signin struct {
	Method          string
	Admins          []string
	SessionLifetime time.Duration
	// SessionIdle is how long a session lives that nobody uses.
	SessionIdle     time.Duration
	AllowNoPassword bool
}

// SIP is the way to the SIP server.
type SIP struct {
	Domain           string
	Proxy            string
	Listen           string
	Auth             string
	RoomsDomain      string
	AcceptFrom       []string
	TLSCA            string
	TLSInsecure      bool
	RegisterExpires  time.Duration
	PublishExpires   time.Duration
	SubscribeExpires time.Duration
	// DialogEvents and MessageSummary are which event packages of a person's own address are subscribed to.
	DialogEvents   bool
	MessageSummary bool
	// WatcherInfo asks who watches each person.
	WatcherInfo bool
	// XCAPRoot is where the server keeps contact lists and presence rules; empty: it does not.
	XCAPRoot string
	// RulesTransform: the server holds to the transformations of presence rules in every notification.
	RulesTransform bool
	// ResourceLists asks for the presence of a whole list with one subscription.
	ResourceLists bool
	// ResumeRate is in registrations a second.
	ResumeRate float64
	// CheckUser and CheckPassword are for "portico check" alone.
	CheckUser     string
	CheckPassword Secret
}

// Presence is when a person counts as inactive and away.
type Presence struct {
	InactiveAfter time.Duration
	AwayAfter     time.Duration
	Grace         time.Duration
	PublishPace   time.Duration
}

// Chat is how long messages are tried and kept.
type Chat struct {
	MaxAge    time.Duration
	Retention time.Duration
	// Rate is in messages a second of one sender in one conversation.
	Rate float64
}

// Rooms is what may be said and kept in rooms.
type Rooms struct {
	EditWindow time.Duration
	Retention  time.Duration
	// MaxFile is in megabytes (10^6 bytes).
	MaxFile int
	// Rate is in messages a second of one sender in one room.
	Rate float64
	// ServerRooms is the pattern of the addresses of rooms that live on the SIP server; empty: none.
	ServerRooms string
}

// History is how conversations are kept beside the archive.
type History struct {
	// Exchange is whether conversations and calls may be kept in Exchange at all.
	Exchange bool
	// Rest is how long a conversation is quiet before it is written there.
	Rest time.Duration
}

// Policy is what is decided for everybody by configuration; an administrator's rules go before it. Switches are "on", "off" or
// empty where nothing is decided.
type Policy struct {
	DisableSavingIM                  bool
	EnableAutoArchiving              string
	EnableCallLogAutoArchiving       string
	DisableCalendarPresence          string
	DisableFreeBusyInfo              string
	DisableMeetingSubjectAndLocation string
	DisablePresenceNote              string
	EnableAppearOffline              string
	DisableIM                        string
	MayCreateRooms                   string
	ThinSessions                     string
	// Language is the tag of everybody's language; empty: people choose.
	Language       string
	CustomStateURL string
	// CustomStateNetworks are networks of one's own from which custom states may be loaded.
	CustomStateNetworks []string
}

// Directory is how the address book is kept.
type Directory struct {
	// InitialDelay is the wait before the first reading after a start, where there is a copy from before.
	InitialDelay time.Duration
	Refresh      time.Duration
	// Exchange is whether the Exchange directory is read, too.
	Exchange bool
}

// LDAP is a directory server.
type LDAP struct {
	// URL is ldap:// or ldaps://; empty: there is none.
	URL          string
	StartTLS     bool
	TLSCA        string
	BindDN       string
	BindPassword Secret
	BaseDN       string
	Filter       string
	// Preset is "inetorgperson" or "ad"; AddressAttribute, NameAttribute and LoginAttribute override it.
	Preset           string
	AddressAttribute string
	LoginAttribute   string
}

// OIDC is a sign-in by OpenID Connect.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret Secret
	Scopes       []string
	// AddressClaim is the claim that holds the SIP address, or an e-mail address that is the same.
	AddressClaim string
	// Name is what the button says.
	Name  string
	TLSCA string
}

// Embed is presence on other pages.
type Embed struct {
	// Origins are those of the pages that may show presence buttons, beside the ones an administrator allows.
	Origins []string
}

// Thin is which sessions are thin, and how they are spared.
type Thin struct {
	// Networks are those of terminal servers. Header is the name of a header that a gateway sets, or "Name: value".
	Networks []string
	Header   string
	// Gather is how long news of presence is gathered for a thin session; zero: not at all.
	Gather time.Duration
}

// EWS is the Exchange servers, the primary one first.
type EWS struct{ Server []EWSServer }

// EWSServer is one Exchange server.
type EWSServer struct {
	Name        string
	URL         string
	Auth        string
	Username    string
	Password    Secret
	Impersonate bool
	// CheckMailbox is whose mailbox "portico check" opens; empty: that of sip.check_user.
	CheckMailbox string
	TLSCA        string
	TLSInsecure  bool
	// TokenURL, ClientID, ClientSecret and Scope are OAuth2's client credentials (RFC 6749 section 4.4).
	TokenURL     string
	ClientID     string
	ClientSecret Secret
	Scope        string
	// Keytab, Krb5Conf, Realm and SPN are Kerberos'.
	Keytab, Krb5Conf, Realm, SPN string
}

// Calendar is how calendars are kept in step with their servers.
type Calendar struct {
	Reconcile     time.Duration
	TentativeBusy bool
}

// CRM is the portal's own CRM side.
type CRM struct{ Enabled bool }

// Sync is how CRM and Exchange are kept in step; what an administrator decides meanwhile is kept in storage.
type Sync struct {
	Workers    int
	FirstRetry time.Duration
	MaxRetry   time.Duration
	Reconcile  time.Duration
	// MailGather is how long the first errors of an incident are gathered into one e-mail.
	MailGather time.Duration
	// HookNetworks are the networks of one's own to which webhooks of an outside CRM may go.
	HookNetworks []string
}

// Mail is the way out for e-mail.
type Mail struct {
	SMTP     string
	From     string
	TLS      string
	Username string
	Password Secret
}

// Lab is the embedded servers and example people.
type Lab struct {
	Enabled     bool
	SIPListen   string
	EWSListen   string
	AllowPublic bool
	RobotsPace  time.Duration
}

// Limits are the bounds that keep one from harming all.
type Limits struct {
	Connections          int
	ConnectionsPerPerson int
	Contacts             int
	// APIRate and LiveRate are in requests and frames a second.
	APIRate      float64
	LiveRate     float64
	ReplayEvents int
	ReplayAge    time.Duration
}

// Log is what the operator reads.
type Log struct {
	Level  string
	Format string
}

// Default is what runs without a configuration file: every default, and the lab on.
func Default() *Config {
	c := base()
	c.Lab.Enabled = true
	return c
}

// base is the default of every key where there is a configuration file.
func base() *Config {
	c := &Config{sources: map[string]Source{}}
	for _, o := range options() {
		if o.repeated() {
			continue
		}
		if err := setText(o.at(c, 0), o.def); err != nil {
			panic("config: default of " + o.key + ": " + err.Error()) // the table itself is wrong; a test reads all of it
		}
	}
	return c
}

// newEWSServer is the defaults of a further [[ews.server]] block.
func (c *Config) newEWSServer() int {
	i := len(c.EWS.Server)
	c.EWS.Server = append(c.EWS.Server, EWSServer{})
	for _, o := range options() {
		if o.repeated() {
			if err := setText(o.at(c, i), o.def); err != nil {
				panic("config: default of " + o.key + ": " + err.Error())
			}
		}
	}
	c.EWS.Server[i].Name = "primary"
	if i > 0 {
		c.EWS.Server[i].Name = "server-" + strconv.Itoa(i+1)
	}
	return i
}

// SecureCookies reports whether browsers come by https, so that cookies are marked Secure.
func (c *Config) SecureCookies() bool {
	return c.HTTP.TLSCert != "" || isHTTPS(c.HTTP.PublicURL)
}

// Warnings is what Load noticed that is no fault: unknown PORTICO_ variables, risky settings.
func (c *Config) Warnings() []string { return c.warnings }
