// Package soap is the typed client of one Exchange server: it speaks Exchange Web Services (SOAP
// 1.1 over HTTP) and knows nothing of the portal but the meanings an error can have.
//
// A request is a struct whose fields stand in schema order; the tag `ews` names the element or
// attribute (see package binding). Every operation is a method of Client that takes the request
// and on whose behalf it is made (As) and gives the response, whose messages stand in the order
// of the request, each with its own error.
//
// What a server may do wrong or differently is met here: three shapes of "busy", faults under
// HTTP 200, pages of HTML instead of XML, half an answer, times without offset or with too many
// digits, other prefixes, versions that are not known. A read is repeated a few times; a write
// only when it surely never reached the server or was refused before it was begun.
package soap
