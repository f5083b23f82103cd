// Package binding turns Go structs into the XML of Exchange Web Services and back, field order
// being element order, without knowing any operation.
//
// The tag `ews` of a field says where it stands:
//
//	"t:Subject"               a child element; the prefix is written, and any prefix is read
//	"t:Items>t:CalendarItem"  a slice: children inside one wrapper
//	"t:Items>*"               a slice of choice structs inside one wrapper
//	"t:Items>?"               a slice of structs that tell their own name inside one wrapper
//	"@Id"                     an attribute
//	"#"                       the element's own text
//	"!"                       the element's own name without prefix
//	"?"                       every child that no other field names (slice or pointer); its name
//	                          goes into, and is written from, the "!" field of its struct
//	"*"                       the struct's fields stand here as if they were the outer one's
//
// An embedded struct stands for its fields as with "*". Options follow after commas: "always"
// writes a zero value too, "list" joins a slice of strings by spaces. Otherwise zero values are
// left out; where zero has a meaning the field is a pointer.
//
// Reading is by local names, so that other prefixes and default namespaces do not matter; unknown
// elements and attributes are skipped; a value that cannot be read leaves its field untouched and
// is noted as a problem. Answers are read as a stream with limits on size, depth and the length of
// a tag; document type declarations and entities of one's own are refused.
package binding
