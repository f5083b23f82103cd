// Package ewslab is an Exchange-compatible server for loopback: mailboxes with calendars that real clients use by Exchange Web Services.
//
// It speaks SOAP 1.1 on /EWS/Exchange.asmx as the published schema has it, keeps everything in SQLite and
// imports nothing of the portal, so that a mistake in the connector is not repeated by its peer.
//
// # How it is built
//
// A request is read into a tree of nodes (soap.go, node.go), the caller is known by HTTP (auth.go, ntlm.go) and
// perhaps acts for somebody else (impersonation), and the operation is looked up in the table of dispatch.go. An
// operation is a method
//
//	func (s *Server) opXxx(c *call) (*node, error)
//
// that answers its m:XxxResponse. An error of type *fault ends the whole request with HTTP 500 and a SOAP fault;
// an error of type *failure belongs to one response message (c.messages makes those). All else is an internal
// error. Reading and writing happens in c.view and c.update, one transaction each; a transaction collects changes
// (tx.note) which are handed to every function registered by Server.onChange after the commit, in commit order.
//
// Items are trees too: an item's stored properties are the children of its element (CalendarItem, Message, ...),
// in no particular order; item.get, set and remove change them, the renderer (render.go) adds what is computed
// and puts everything into schema order.
package ewslab
