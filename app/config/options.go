package config

import (
	"strconv"
	"strings"
)

// option is one key: everything that loading, checking, listing and documenting it needs.
type option struct {
	// key is the path in the file; "[]" stands behind the name of a repeated block.
	key string
	// def is the default in the form the environment has.
	def string
	// at gives a pointer to the field; i is the number of the block for repeated ones.
	at func(c *Config, i int) any
	// doc says what it is, for the reference; its first line stands in the listing too.
	doc string
	// check says what is wrong with the value alone; nil: anything goes.
	check func(value any) error
}

func (o option) repeated() bool { return strings.Contains(o.key, "[]") }

// secret reports whether the value must not be shown.
func (o option) secret() bool {
	_, ok := o.at(&Config{EWS: EWS{Server: make([]EWSServer, 1)}}, 0).(*Secret)
	return ok
}

// path is the key with the number of its block: "ews.server[0].name".
func (o option) path(i int) string {
	return strings.Replace(o.key, "[]", "["+strconv.Itoa(i)+"]", 1)
}

// env is the name of the environment variable that overrides the key.
func (o option) env(i int) string {
	name := strings.Replace(o.key, "[]", "_"+strconv.Itoa(i), 1)
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

// section is all but the last part of the key, name the last.
func (o option) section() string { s, _ := cutLast(o.key); return strings.TrimSuffix(s, "[]") }
func (o option) name() string    { _, n := cutLast(o.key); return n }

func cutLast(key string) (before, after string) {
	i := strings.LastIndexByte(key, '.')
	return key[:i], key[i+1:]
}

// sections is the order and the headings of the reference.
func sections() [][2]string {
	return [][2]string{
		{"http", "The door for browsers."},
		{"storage", "Where things are kept."},
		{"signin", "How people sign in."},
		{"sip", "The SIP server through which all presence and messages go."},
		{"presence", "When a person counts as inactive and away."},
		{"chat", "How long messages are tried and kept."},
		{"rooms", "What may be said and kept in rooms. Their domain is sip.rooms_domain."},
		{"history", "How conversations are kept beside the portal's own archive."},
		{"policy", "What is decided for everybody and cannot be changed by the person, unless a rule of an administrator (Admin, Policies) says otherwise."},
		{"directory", "How the address book is kept. Where it comes from: the labs, LDAP, Exchange."},
		{"ldap", "A directory server: an address book, and with signin.method \"ldap\" who checks passwords."},
		{"oidc", "OpenID Connect, with signin.method \"oidc\"."},
		{"embed", "Presence on other web pages."},
		{"thin", "Thin sessions: pages without pictures, shadows and movement for terminal servers and slow lines. policy.thin_sessions and people themselves go before this."},
		{"audit", "The audit trail: who signed in, who was refused, what administrators did (Admin, Audit trail)."},
		{"ews.server", "One block for each Exchange server; the first is the primary. Without one there is no Exchange."},
		{"calendar", "How calendars are kept in step with their servers."},
		{"crm", "The portal's own CRM side: people, companies, users, and the appointments kept with them."},
		{"sync", "How CRM and Exchange are kept in step. Directions, users and rules are an administrator's to set, under Admin."},
		{"mail", "The way out for e-mail."},
		{"lab", "The embedded SIP and Exchange servers with their example people. The passwords are public knowledge."},
		{"limits", "The bounds that keep one from harming all."},
		{"log", "What the operator reads, on standard error."},
	}
}

// options is the table.
func options() []option {
	return []option{
		{key: "http.listen", def: "127.0.0.1:8080", at: func(c *Config, _ int) any { return &c.HTTP.Listen }, check: listenAddress,
			doc: "Address and port to listen on. Port 0 picks a free one; the real address is printed and logged."},
		{key: "http.public_url", at: func(c *Config, _ int) any { return &c.HTTP.PublicURL }, check: optional(origin),
			doc: "What browsers use, for example \"https://portico.example.test\"; https here means secure cookies.\nIt is also what a WebSocket's origin is checked against."},
		{key: "http.tls_cert", at: func(c *Config, _ int) any { return &c.HTTP.TLSCert }, check: optional(readableFile),
			doc: "PEM file with the certificate and its chain. Empty: plain HTTP, for a reverse proxy in front."},
		{key: "http.tls_key", at: func(c *Config, _ int) any { return &c.HTTP.TLSKey }, check: optional(readableFile),
			doc: "PEM file with the certificate's key."},
		{key: "http.trusted_proxies", at: func(c *Config, _ int) any { return &c.HTTP.TrustedProxies }, check: each(network),
			doc: "Addresses or networks (\"10.0.0.0/8\") of reverse proxies whose X-Forwarded-For is believed."},
		{key: "http.allowed_origins", at: func(c *Config, _ int) any { return &c.HTTP.AllowedOrigins }, check: each(origin),
			doc: "Further origins, beside public_url, from which browsers may open live connections and send requests."},
		{key: "http.metrics_secret", at: func(c *Config, _ int) any { return &c.HTTP.MetricsSecret },
			doc: "Who asks for /metrics must send this as a bearer token. Empty: only this machine may ask, by a loopback address, and nobody where a trusted proxy\nstands on it."},

		{key: "storage.dsn", def: "sqlite:portico-data/portico.db", at: func(c *Config, _ int) any { return &c.Storage.DSN }, check: dsn,
			doc: "The database: \"sqlite:\" and the path of a file, which is made where it is missing."},
		{key: "storage.data_dir", def: "portico-data", at: func(c *Config, _ int) any { return &c.Storage.DataDir }, check: filled,
			doc: "Folder of the key file and of uploads."},

		{key: "signin.method", def: "sip", at: func(c *Config, _ int) any { return &c.Signin.Method }, check: oneOf("sip", "ldap", "oidc"),
			doc: "Who says who somebody is: \"sip\", the SIP server itself (a real registration); \"ldap\", the directory server;\n\"oidc\", OpenID Connect. The last two need sip.auth = \"trusted\"."},
		{key: "signin.admins", def: "sip:alice@example.test", at: func(c *Config, _ int) any { return &c.Signin.Admins }, check: each(address),
			doc: "SIP addresses of the administrators."},
		{key: "signin.session_lifetime", def: "12h", at: func(c *Config, _ int) any { return &c.Signin.SessionLifetime }, check: between("1m", "8784h"),
			doc: "How long a sign-in lasts, used or not. Who works on signs in again after it."},
		{key: "signin.session_idle", def: "4h", at: func(c *Config, _ int) any { return &c.Signin.SessionIdle }, check: between("1m", "8784h"),
			doc: "How long a sign-in lasts that nobody uses: no request, and no page open that listens for messages.\nA restart of the portal counts as use."},
		{key: "signin.allow_no_password", def: "false", at: func(c *Config, _ int) any { return &c.Signin.AllowNoPassword },
			doc: "With sip.auth \"trusted\" nobody checks a password. Off loopback that must be said here in so many words:\nwhoever reaches the sign-in page can then be anybody, so something in front of it must say who may."},

		{key: "sip.domain", def: "example.test", at: func(c *Config, _ int) any { return &c.SIP.Domain }, check: domain,
			doc: "The domain of the people's addresses."},
		{key: "sip.proxy", def: "sip:127.0.0.1:5060;transport=tcp", at: func(c *Config, _ int) any { return &c.SIP.Proxy }, check: proxyURI,
			doc: "The SIP server, as a SIP URI; transport is udp, tcp or tls."},
		{key: "sip.listen", def: "127.0.0.1:0", at: func(c *Config, _ int) any { return &c.SIP.Listen }, check: listenAddress,
			doc: "Where the proxy reaches the portal. Port 0 picks a free one."},
		{key: "sip.auth", def: "digest", at: func(c *Config, _ int) any { return &c.SIP.Auth }, check: oneOf("digest", "trusted"),
			doc: "\"digest\": each person's own password. \"trusted\": P-Asserted-Identity; the server believes this address."},
		{key: "sip.rooms_domain", def: "rooms.example.test", at: func(c *Config, _ int) any { return &c.SIP.RoomsDomain }, check: domain,
			doc: "The domain of the rooms' addresses."},
		{key: "sip.accept_from", at: func(c *Config, _ int) any { return &c.SIP.AcceptFrom }, check: each(network),
			doc: "Addresses or networks from which SIP requests are taken beside the proxy's own, for a farm of servers.\nAnybody else is refused: a From header proves nothing."},
		{key: "sip.tls_ca", at: func(c *Config, _ int) any { return &c.SIP.TLSCA }, check: optional(readableFile),
			doc: "PEM file with the authorities that may vouch for the SIP server. Empty: the system's."},
		{key: "sip.tls_insecure", def: "false", at: func(c *Config, _ int) any { return &c.SIP.TLSInsecure },
			doc: "Do not check the SIP server's certificate. For tests only: anybody in between can read along."},
		{key: "sip.register_expires", def: "10m", at: func(c *Config, _ int) any { return &c.SIP.RegisterExpires }, check: between("1m", "24h"),
			doc: "How long a registration is asked to hold; it is renewed well before."},
		{key: "sip.publish_expires", def: "10m", at: func(c *Config, _ int) any { return &c.SIP.PublishExpires }, check: between("1m", "24h"),
			doc: "How long published presence is asked to hold."},
		{key: "sip.subscribe_expires", def: "30m", at: func(c *Config, _ int) any { return &c.SIP.SubscribeExpires }, check: between("1m", "24h"),
			doc: "How long a subscription to somebody's presence is asked to hold."},
		{key: "sip.dialog_events", def: "true", at: func(c *Config, _ int) any { return &c.SIP.DialogEvents },
			doc: "Ask the server for the calls of people's other devices (the dialog event package), so that a call shows as \"in a call\".\nA server without it is not asked again."},
		{key: "sip.message_summary", def: "true", at: func(c *Config, _ int) any { return &c.SIP.MessageSummary },
			doc: "Ask the server whether voice mail waits (the message-summary event package)."},
		{key: "sip.watcher_info", def: "true", at: func(c *Config, _ int) any { return &c.SIP.WatcherInfo },
			doc: "Ask the server who watches each person (watcher information), so that they see who added them.\nA server without it is not asked again."},
		{key: "sip.xcap_root", at: func(c *Config, _ int) any { return &c.SIP.XCAPRoot }, check: optional(webURL),
			doc: "Where the SIP server keeps contact lists and presence rules (XCAP), for example \"http://sip.example.test:5060/xcap-root\".\nEmpty: it does not; contact lists are the portal's own, and privacy holds in what the portal hands out and publishes."},
		{key: "sip.rules_transform", def: "false", at: func(c *Config, _ int) any { return &c.SIP.RulesTransform },
			doc: "The server shows each watcher only what the presence rules let them see, in every notification (RFC 5025 transformations; Kamailio with the configuration of the help page).\nfalse: it only hides people, so nothing is published that not everybody may see. Needs xcap_root."},
		{key: "sip.resource_lists", def: "false", at: func(c *Config, _ int) any { return &c.SIP.ResourceLists },
			doc: "Ask for the presence of all contacts with one subscription (a resource list). Needs xcap_root. Single subscriptions are the more truthful source."},
		{key: "sip.resume_rate", def: "200", at: func(c *Config, _ int) any { return &c.SIP.ResumeRate }, check: atLeast(0.1),
			doc: "Registrations a second, at most, when everybody comes back after a restart."},
		{key: "sip.check_user", at: func(c *Config, _ int) any { return &c.SIP.CheckUser }, check: optional(address),
			doc: "A person whom \"portico check\" signs in to see that the SIP server works."},
		{key: "sip.check_password", at: func(c *Config, _ int) any { return &c.SIP.CheckPassword },
			doc: "That person's password."},

		{key: "presence.inactive_after", def: "5m", at: func(c *Config, _ int) any { return &c.Presence.InactiveAfter }, check: between("10s", "24h"),
			doc: "Without input in any browser for so long, a person is shown as inactive."},
		{key: "presence.away_after", def: "15m", at: func(c *Config, _ int) any { return &c.Presence.AwayAfter }, check: between("10s", "24h"),
			doc: "Without input for so long (longer than inactive_after), a person is shown as away."},
		{key: "presence.grace", def: "15s", at: func(c *Config, _ int) any { return &c.Presence.Grace }, check: between("100ms", "10m"),
			doc: "How long a person without a live connection is still there: a reload or a short loss of network shows to nobody."},
		{key: "presence.publish_pace", def: "5s", at: func(c *Config, _ int) any { return &c.Presence.PublishPace }, check: between("100ms", "1m"),
			doc: "The first change of a person's presence goes out at once, further ones gather for so long."},

		{key: "chat.max_age", def: "24h", at: func(c *Config, _ int) any { return &c.Chat.MaxAge }, check: between("1m", "720h"),
			doc: "How long a message that the server does not take is tried again before it counts as failed."},
		{key: "chat.rate", def: "50", at: func(c *Config, _ int) any { return &c.Chat.Rate }, check: atLeast(0.1),
			doc: "How many messages a second one person may say in one conversation in the long run; short bursts of twenty times that pass."},
		{key: "chat.retention", def: "0s", at: func(c *Config, _ int) any { return &c.Chat.Retention }, check: zeroOr(between("48h", "876000h")),
			doc: "How long the archive keeps messages, and drafts with them. 0s: for ever."},

		{key: "rooms.edit_window", def: "24h", at: func(c *Config, _ int) any { return &c.Rooms.EditWindow }, check: zeroOr(between("1m", "876000h")),
			doc: "How long people may change and take back what they have said in a room. 0s: not at all."},
		{key: "rooms.retention", def: "0s", at: func(c *Config, _ int) any { return &c.Rooms.Retention }, check: zeroOr(between("48h", "876000h")),
			doc: "How long what was said in rooms is kept; pinned messages stay. 0s: for ever."},
		{key: "rooms.max_file", def: "25", at: func(c *Config, _ int) any { return &c.Rooms.MaxFile }, check: atLeast(1),
			doc: "The largest file that may be put into a room, in megabytes."},
		{key: "rooms.rate", def: "5", at: func(c *Config, _ int) any { return &c.Rooms.Rate }, check: atLeast(0.1),
			doc: "How many messages a second one person may say in one room in the long run; short bursts of ten times that pass."},
		{key: "rooms.server_rooms", at: func(c *Config, _ int) any { return &c.Rooms.ServerRooms }, check: optional(roomPattern),
			doc: "The addresses of rooms that live on the SIP server (Kamailio's imc module), for example \"sip:chat-*@example.test\". Empty: there are none."},

		{key: "history.exchange", def: "true", at: func(c *Config, _ int) any { return &c.History.Exchange },
			doc: "Whether conversations and missed calls may be kept in Exchange (Conversation History), where there is one."},
		{key: "history.rest", def: "2m", at: func(c *Config, _ int) any { return &c.History.Rest }, check: between("1s", "24h"),
			doc: "How long a conversation is quiet before it is written to Exchange."},

		{key: "policy.disable_saving_im", def: "false", at: func(c *Config, _ int) any { return &c.Policy.DisableSavingIM },
			doc: "Conversations are not kept: no history, no search, no export, nothing in Exchange, no draft on the server, and the copy of one that is over and read goes (DisableSavingIM). Rooms keep what is said in them."},
		{key: "policy.enable_auto_archiving", at: func(c *Config, _ int) any { return &c.Policy.EnableAutoArchiving }, check: optional(oneOf("on", "off")),
			doc: "\"on\" or \"off\": conversations are kept in Exchange, or are not (EnableAutoArchiving). Empty: as the person likes."},
		{key: "policy.enable_call_log_auto_archiving", at: func(c *Config, _ int) any { return &c.Policy.EnableCallLogAutoArchiving }, check: optional(oneOf("on", "off")),
			doc: "The same for missed calls (EnableCallLogAutoArchiving)."},

		{key: "policy.disable_calendar_presence", at: func(c *Config, _ int) any { return &c.Policy.DisableCalendarPresence }, check: optional(oneOf("on", "off")),
			doc: "on: the calendar makes nobody busy (DisableCalendarPresence)."},
		{key: "policy.disable_free_busy_info", at: func(c *Config, _ int) any { return &c.Policy.DisableFreeBusyInfo }, check: optional(oneOf("on", "off")),
			doc: "on: nobody sees when somebody is busy next (DisableFreeBusyInfo)."},
		{key: "policy.disable_meeting_subject_and_location", at: func(c *Config, _ int) any { return &c.Policy.DisableMeetingSubjectAndLocation }, check: optional(oneOf("on", "off")),
			doc: "on: nobody sees subject and place of a meeting (DisableMeetingSubjectAndLocation). Without effect where disable_calendar_presence is on."},
		{key: "policy.disable_presence_note", at: func(c *Config, _ int) any { return &c.Policy.DisablePresenceNote }, check: optional(oneOf("on", "off")),
			doc: "on: nobody has a note (DisablePresenceNote)."},
		{key: "policy.enable_appear_offline", at: func(c *Config, _ int) any { return &c.Policy.EnableAppearOffline }, check: optional(oneOf("on", "off")),
			doc: "off: nobody can appear offline (EnableAppearOffline)."},
		{key: "policy.disable_im", at: func(c *Config, _ int) any { return &c.Policy.DisableIM }, check: optional(oneOf("on", "off")),
			doc: "on: nobody sends or receives instant messages (DisableIM)."},
		{key: "policy.may_create_rooms", at: func(c *Config, _ int) any { return &c.Policy.MayCreateRooms }, check: optional(oneOf("on", "off")),
			doc: "off: only administrators make lasting rooms."},
		{key: "policy.thin_sessions", at: func(c *Config, _ int) any { return &c.Policy.ThinSessions }, check: optional(oneOf("on", "off")),
			doc: "on or off: pages for thin sessions (terminal servers, slow lines), or none. Empty: as the person likes."},
		{key: "policy.language", at: func(c *Config, _ int) any { return &c.Policy.Language }, check: optional(languageTag),
			doc: "The language of everybody's pages, as a BCP 47 tag: \"de\", \"de-AT\", \"en-US\". Empty: as each person's settings or browser say."},
		{key: "policy.custom_state_url", at: func(c *Config, _ int) any { return &c.Policy.CustomStateURL }, check: optional(webURL),
			doc: "Where the custom presence states are loaded from (CustomStateURL), http: or https:."},
		{key: "policy.custom_state_networks", at: func(c *Config, _ int) any { return &c.Policy.CustomStateNetworks }, check: each(network),
			doc: "Addresses or networks of your own (\"10.0.0.0/8\") from which custom states may be loaded.\nWithout it they come from public addresses only."},

		{key: "directory.initial_delay", def: "0s", at: func(c *Config, _ int) any { return &c.Directory.InitialDelay }, check: zeroOr(between("1s", "1h")),
			doc: "How long after a start the address books are read for the first time, where there is a copy from before (GalDownloadInitialDelay)."},
		{key: "directory.refresh", def: "15m", at: func(c *Config, _ int) any { return &c.Directory.Refresh }, check: between("10s", "168h"),
			doc: "How often the address books are read."},
		{key: "directory.exchange", def: "true", at: func(c *Config, _ int) any { return &c.Directory.Exchange },
			doc: "Whether the Exchange directory is an address book too, where there is an Exchange server with a service account."},

		{key: "ldap.url", at: func(c *Config, _ int) any { return &c.LDAP.URL }, check: optional(ldapURL),
			doc: "The directory server, \"ldaps://ldap.example.test\" or \"ldap://…\". Empty: there is none."},
		{key: "ldap.start_tls", def: "false", at: func(c *Config, _ int) any { return &c.LDAP.StartTLS },
			doc: "Encrypt an ldap:// connection with StartTLS; without it or ldaps:// passwords go in the clear."},
		{key: "ldap.tls_ca", at: func(c *Config, _ int) any { return &c.LDAP.TLSCA }, check: optional(readableFile),
			doc: "PEM file with the authorities that may vouch for the server. Empty: the system's."},
		{key: "ldap.bind_dn", at: func(c *Config, _ int) any { return &c.LDAP.BindDN },
			doc: "The account that reads the directory. Empty: nobody signs in (anonymous)."},
		{key: "ldap.bind_password", at: func(c *Config, _ int) any { return &c.LDAP.BindPassword },
			doc: "That account's password."},
		{key: "ldap.base_dn", at: func(c *Config, _ int) any { return &c.LDAP.BaseDN },
			doc: "Where the people are, for example \"ou=people,dc=example,dc=test\"."},
		{key: "ldap.filter", at: func(c *Config, _ int) any { return &c.LDAP.Filter },
			doc: "Who is read. Empty: all people of the preset."},
		{key: "ldap.preset", def: "inetorgperson", at: func(c *Config, _ int) any { return &c.LDAP.Preset }, check: oneOf("inetorgperson", "ad"),
			doc: "Which attributes mean what: \"inetorgperson\" or \"ad\" (Active Directory)."},
		{key: "ldap.address_attribute", at: func(c *Config, _ int) any { return &c.LDAP.AddressAttribute },
			doc: "The attribute that holds the SIP address (\"sip:…\" or bare). Empty: the preset's, else the e-mail address."},
		{key: "ldap.login_attribute", at: func(c *Config, _ int) any { return &c.LDAP.LoginAttribute },
			doc: "The attribute that holds what people type to sign in. Empty: the preset's."},

		{key: "oidc.issuer", at: func(c *Config, _ int) any { return &c.OIDC.Issuer }, check: optional(webURL),
			doc: "The provider's address, as its tokens name it."},
		{key: "oidc.client_id", at: func(c *Config, _ int) any { return &c.OIDC.ClientID },
			doc: "The portal's name there. Its redirect address is public_url and \"/signin/oidc/callback\"."},
		{key: "oidc.client_secret", at: func(c *Config, _ int) any { return &c.OIDC.ClientSecret },
			doc: "The portal's secret there."},
		{key: "oidc.scopes", def: "openid,profile,email", at: func(c *Config, _ int) any { return &c.OIDC.Scopes },
			doc: "What to ask for."},
		{key: "oidc.address_claim", def: "email", at: func(c *Config, _ int) any { return &c.OIDC.AddressClaim }, check: filled,
			doc: "The claim that holds the SIP address, with or without \"sip:\". An \"email\" must be verified."},
		{key: "oidc.name", def: "OpenID Connect", at: func(c *Config, _ int) any { return &c.OIDC.Name }, check: filled,
			doc: "What the sign-in button calls it."},
		{key: "oidc.tls_ca", at: func(c *Config, _ int) any { return &c.OIDC.TLSCA }, check: optional(readableFile),
			doc: "PEM file with the authorities that may vouch for the provider. Empty: the system's."},

		{key: "embed.origins", at: func(c *Config, _ int) any { return &c.Embed.Origins }, check: each(origin),
			doc: "Origins of web pages that may show presence buttons, beside those an administrator allows."},

		{key: "thin.networks", at: func(c *Config, _ int) any { return &c.Thin.Networks }, check: each(network),
			doc: "Addresses or networks (\"10.20.0.0/16\") of terminal servers: who comes from there has a thin session. Behind a reverse proxy that\nhttp.trusted_proxies names, it is the address that the proxy forwards."},
		{key: "thin.header", at: func(c *Config, _ int) any { return &c.Thin.Header }, check: optional(headerMatch),
			doc: "A request header by which a gateway marks thin sessions: its name (any value counts), or \"Name: value\".\nIt is believed only from http.trusted_proxies, or from anybody where none are named: it gives nobody any right."},
		{key: "thin.gather", def: "2s", at: func(c *Config, _ int) any { return &c.Thin.Gather }, check: zeroOr(between("100ms", "1m")),
			doc: "How long changes of presence and unread counts are gathered for thin sessions before they are shown together; the open conversation's partner shows at once.\n0s: not at all."},
		{key: "audit.retention", def: "8760h", at: func(c *Config, _ int) any { return &c.Audit.Retention }, check: zeroOr(between("24h", "876000h")),
			doc: "How long its lines are kept, and with them those of the record of policies and of the archive's record of holds and exports. 0s: for ever."},

		{key: "ews.server[].name", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].Name }, check: filled,
			doc: "A name of your own, to tell the servers apart."},
		{key: "ews.server[].url", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].URL }, check: optional(webURL),
			doc: "The address of the web service, for example \"https://mail.example.test/EWS/Exchange.asmx\". Empty: Autodiscover."},
		{key: "ews.server[].auth", def: "basic", at: func(c *Config, i int) any { return &c.EWS.Server[i].Auth }, check: oneOf("basic", "ntlm", "kerberos", "oauth2"),
			doc: "basic, ntlm, kerberos or oauth2."},
		{key: "ews.server[].username", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].Username },
			doc: "The service account; needed where impersonate is true."},
		{key: "ews.server[].password", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].Password },
			doc: "The service account's password."},
		{key: "ews.server[].impersonate", def: "true", at: func(c *Config, i int) any { return &c.EWS.Server[i].Impersonate },
			doc: "true: the service account acts for each person. false: each person's own password, which is then kept sealed while they are signed in."},
		{key: "ews.server[].check_mailbox", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].CheckMailbox }, check: optional(mailbox),
			doc: "A mailbox that \"portico check\" opens. Empty: that of sip.check_user, or of the first administrator."},
		{key: "ews.server[].tls_ca", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].TLSCA }, check: optional(readableFile),
			doc: "PEM file with the authorities that may vouch for the server. Empty: the system's."},
		{key: "ews.server[].tls_insecure", def: "false", at: func(c *Config, i int) any { return &c.EWS.Server[i].TLSInsecure },
			doc: "Do not check the server's certificate. For tests only: anybody in between can read along."},
		{key: "ews.server[].token_url", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].TokenURL }, check: optional(webURL),
			doc: "With auth \"oauth2\": where access tokens come from (client credentials, RFC 6749)."},
		{key: "ews.server[].client_id", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].ClientID },
			doc: "With auth \"oauth2\": the portal's name there."},
		{key: "ews.server[].client_secret", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].ClientSecret },
			doc: "With auth \"oauth2\": the portal's secret there."},
		{key: "ews.server[].scope", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].Scope },
			doc: "With auth \"oauth2\": what to ask for, for example \"https://mail.example.test/.default\"."},
		{key: "ews.server[].keytab", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].Keytab }, check: optional(readableFile),
			doc: "With auth \"kerberos\": the service account's keytab. Empty: its password."},
		{key: "ews.server[].krb5_conf", def: "/etc/krb5.conf", at: func(c *Config, i int) any { return &c.EWS.Server[i].Krb5Conf },
			doc: "With auth \"kerberos\": the Kerberos configuration."},
		{key: "ews.server[].realm", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].Realm },
			doc: "With auth \"kerberos\": the realm. Empty: the one behind the @ of username, else the configuration's default."},
		{key: "ews.server[].spn", def: "", at: func(c *Config, i int) any { return &c.EWS.Server[i].SPN },
			doc: "With auth \"kerberos\": the service's name. Empty: HTTP/ and the host of url."},

		{key: "calendar.reconcile", def: "10m", at: func(c *Config, _ int) any { return &c.Calendar.Reconcile }, check: between("10s", "24h"),
			doc: "Calendars are read the moment the server says that they changed, and in any case as often as this."},
		{key: "calendar.tentative_busy", def: "false", at: func(c *Config, _ int) any { return &c.Calendar.TentativeBusy },
			doc: "Whether tentative appointments show in presence as busy."},

		{key: "crm.enabled", def: "true", at: func(c *Config, _ int) any { return &c.CRM.Enabled },
			doc: "Whether the portal keeps a CRM side. Without it there is Exchange alone."},

		{key: "sync.workers", def: "16", at: func(c *Config, _ int) any { return &c.Sync.Workers }, check: atLeast(1),
			doc: "How many appointments are carried at the same time."},
		{key: "sync.first_retry", def: "2s", at: func(c *Config, _ int) any { return &c.Sync.FirstRetry }, check: between("10ms", "1h"),
			doc: "How long to wait after a first failure; the wait doubles with each further one."},
		{key: "sync.max_retry", def: "15m", at: func(c *Config, _ int) any { return &c.Sync.MaxRetry }, check: between("1s", "24h"),
			doc: "The longest wait between two tries (not shorter than first_retry)."},
		{key: "sync.reconcile", def: "30m", at: func(c *Config, _ int) any { return &c.Sync.Reconcile }, check: between("10s", "24h"),
			doc: "Mailboxes are read the moment the server says that they changed, and in any case as often as this."},
		{key: "sync.mail_gather", def: "30s", at: func(c *Config, _ int) any { return &c.Sync.MailGather }, check: between("100ms", "1h"),
			doc: "How long the first errors of an incident are gathered before one e-mail tells of them all."},
		{key: "sync.hook_networks", at: func(c *Config, _ int) any { return &c.Sync.HookNetworks }, check: each(network),
			doc: "Addresses or networks of your own (\"10.0.0.0/8\") to which webhooks of an outside CRM may go.\nWithout it they go to public addresses only."},

		{key: "mail.smtp", def: "127.0.0.1:25", at: func(c *Config, _ int) any { return &c.Mail.SMTP }, check: optional(dialAddress),
			doc: "The mail server, host and port. Empty: no mail."},
		{key: "mail.from", def: "portico@example.test", at: func(c *Config, _ int) any { return &c.Mail.From }, check: mailbox,
			doc: "The sender of the portal's own mails."},
		{key: "mail.tls", def: "opportunistic", at: func(c *Config, _ int) any { return &c.Mail.TLS }, check: oneOf("opportunistic", "required", "implicit", "none"),
			doc: "opportunistic: STARTTLS where the server offers it. required: nothing goes without it.\nimplicit: TLS from the first byte (port 465). none: never."},
		{key: "mail.username", at: func(c *Config, _ int) any { return &c.Mail.Username },
			doc: "The account at the mail server. Empty: nobody signs in."},
		{key: "mail.password", at: func(c *Config, _ int) any { return &c.Mail.Password },
			doc: "That account's password."},

		{key: "lab.enabled", def: "false", at: func(c *Config, _ int) any { return &c.Lab.Enabled },
			doc: "Start the labs and use them as backends. true where there is no configuration file."},
		{key: "lab.sip_listen", def: "127.0.0.1:0", at: func(c *Config, _ int) any { return &c.Lab.SIPListen }, check: listenAddress,
			doc: "Where the lab's SIP server listens."},
		{key: "lab.ews_listen", def: "127.0.0.1:0", at: func(c *Config, _ int) any { return &c.Lab.EWSListen }, check: listenAddress,
			doc: "Where the lab's Exchange server listens."},
		{key: "lab.allow_public", def: "false", at: func(c *Config, _ int) any { return &c.Lab.AllowPublic },
			doc: "Start the labs although something listens elsewhere than on loopback.\nEverybody who reaches the portal can then sign in as any of the example people."},
		{key: "lab.robots_pace", def: "30s", at: func(c *Config, _ int) any { return &c.Lab.RobotsPace }, check: between("1s", "24h"),
			doc: "How often, about, the two people who answer by themselves change their presence."},

		{key: "limits.connections", def: "20000", at: func(c *Config, _ int) any { return &c.Limits.Connections }, check: atLeast(1),
			doc: "Live connections of browsers in all."},
		{key: "limits.connections_per_person", def: "50", at: func(c *Config, _ int) any { return &c.Limits.ConnectionsPerPerson }, check: atLeast(1),
			doc: "Live connections of one person (one for each tab)."},
		{key: "limits.contacts", def: "1000", at: func(c *Config, _ int) any { return &c.Limits.Contacts }, check: atLeast(1),
			doc: "Entries of one person's contact list."},
		{key: "limits.api_rate", def: "100", at: func(c *Config, _ int) any { return &c.Limits.APIRate }, check: atLeast(1),
			doc: "API calls of one person a second; five times as many at once. As many pages and forms besides; twenty times as many at once."},
		{key: "limits.live_rate", def: "30", at: func(c *Config, _ int) any { return &c.Limits.LiveRate }, check: atLeast(1),
			doc: "Frames a second that one live connection may send; four times as many at once. One person's connections together may send four times that."},
		{key: "limits.replay_events", def: "5000", at: func(c *Config, _ int) any { return &c.Limits.ReplayEvents }, check: atLeast(100),
			doc: "Events of one person that are kept for browsers that were cut off; one further behind reads its pages afresh."},
		{key: "limits.replay_age", def: "720h", at: func(c *Config, _ int) any { return &c.Limits.ReplayAge }, check: between("1h", "8784h"),
			doc: "How long such events are kept."},

		{key: "log.level", def: "info", at: func(c *Config, _ int) any { return &c.Log.Level }, check: oneOf("debug", "info", "warn", "error"),
			doc: "debug, info, warn or error."},
		{key: "log.format", def: "text", at: func(c *Config, _ int) any { return &c.Log.Format }, check: oneOf("text", "json"),
			doc: "text or json."},
	}
}
