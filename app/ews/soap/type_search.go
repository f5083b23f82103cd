package soap

// Shapes, views, restrictions and orders of a search.

// Base shapes.
const (
	IDOnly        = "IdOnly"
	DefaultShape  = "Default"
	AllProperties = "AllProperties"
)

// ItemShape says what to tell of each item. BaseShape is IDOnly, DefaultShape or AllProperties;
// BodyType HTML, Text or Best.
type ItemShape struct {
	BaseShape            string `ews:"t:BaseShape,always"`
	IncludeMimeContent   *bool  `ews:"t:IncludeMimeContent"`
	BodyType             string `ews:"t:BodyType"`
	FilterHTMLContent    *bool  `ews:"t:FilterHtmlContent"`
	ConvertHTMLToUTF8    *bool  `ews:"t:ConvertHtmlCodePageToUTF8"`
	AdditionalProperties []Path `ews:"t:AdditionalProperties>?"`
}

// FolderShape says what to tell of each folder.
type FolderShape struct {
	BaseShape            string `ews:"t:BaseShape,always"`
	AdditionalProperties []Path `ews:"t:AdditionalProperties>?"`
}

// CalendarView asks for what lies in a window, series expanded into their occurrences: what ends
// after Start and begins before End. Max 0 is no limit of the client's.
type CalendarView struct {
	Max   int       `ews:"@MaxEntriesReturned"`
	Start *DateTime `ews:"@StartDate"`
	End   *DateTime `ews:"@EndDate"`
}

// IndexedPage asks for a page of at most Max entries from Offset on; BasePoint is Beginning or End.
type IndexedPage struct {
	Max       int    `ews:"@MaxEntriesReturned"`
	Offset    int    `ews:"@Offset,always"`
	BasePoint string `ews:"@BasePoint,always"`
}

// Page is the page of max entries that begins at offset.
func Page(offset, max int) *IndexedPage {
	return &IndexedPage{Max: max, Offset: offset, BasePoint: "Beginning"}
}

// FieldOrder sorts by one property; Order is Ascending or Descending.
type FieldOrder struct {
	Order string `ews:"@Order,always"`
	Path  []Path `ews:"?"`
}

// OrderBy sorts by one property, ascending or descending.
func OrderBy(p Path, descending bool) FieldOrder {
	o := FieldOrder{Order: "Ascending", Path: []Path{p}}
	if descending {
		o.Order = "Descending"
	}
	return o
}

// Restriction is a condition that items or folders have to meet.
type Restriction struct {
	Expressions []Expression `ews:"?"`
}

// Where makes a restriction of one expression (And and Or combine several).
func Where(e Expression) *Restriction { return &Restriction{Expressions: []Expression{e}} }

// Expression is one node of a condition; the functions And, Or, Not, Exists, Equal, NotEqual,
// Greater, GreaterOrEqual, Less, LessOrEqual, Contains and Excludes make them.
type Expression struct {
	Kind       string       `ews:"!"`
	Mode       string       `ews:"@ContainmentMode"`
	Comparison string       `ews:"@ContainmentComparison"`
	Path       *PathElement `ews:"*"`
	Other      *Operand     `ews:"t:FieldURIOrConstant"`
	Constant   *Constant    `ews:"t:Constant"`
	Bitmask    *Constant    `ews:"t:Bitmask"`
	Of         []Expression `ews:"?"`
}

// PathElement is a path where other elements stand beside it; exactly one is set.
type PathElement struct {
	Field    *Path `ews:"t:FieldURI"`
	Indexed  *Path `ews:"t:IndexedFieldURI"`
	Extended *Path `ews:"t:ExtendedFieldURI"`
}

// Operand is the right side of a comparison: a constant or another property.
type Operand struct {
	Path     *PathElement `ews:"*"`
	Constant *Constant    `ews:"t:Constant"`
}

// Constant is a value written as text.
type Constant struct {
	Value string `ews:"@Value,always"`
}

func element(p Path) *PathElement {
	switch p.Kind {
	case "IndexedFieldURI":
		return &PathElement{Indexed: &p}
	case "ExtendedFieldURI":
		return &PathElement{Extended: &p}
	}
	return &PathElement{Field: &p}
}

func compare(kind string, p Path, value string) Expression {
	return Expression{Kind: kind, Path: element(p), Other: &Operand{Constant: &Constant{Value: value}}}
}

// And is met where all of e are; one alone stands for itself.
func And(e ...Expression) Expression { return Expression{Kind: "And", Of: e} }

// Or is met where one of e is.
func Or(e ...Expression) Expression { return Expression{Kind: "Or", Of: e} }

// Not is met where e is not.
func Not(e Expression) Expression { return Expression{Kind: "Not", Of: []Expression{e}} }

// Exists is met where the property is there.
func Exists(p Path) Expression { return Expression{Kind: "Exists", Path: element(p)} }

// Equal is met where the property has this value.
func Equal(p Path, value string) Expression { return compare("IsEqualTo", p, value) }

// NotEqual is met where the property has another value.
func NotEqual(p Path, value string) Expression { return compare("IsNotEqualTo", p, value) }

// Greater is met where the property is greater.
func Greater(p Path, value string) Expression { return compare("IsGreaterThan", p, value) }

// GreaterOrEqual is met where the property is greater or the same.
func GreaterOrEqual(p Path, value string) Expression {
	return compare("IsGreaterThanOrEqualTo", p, value)
}

// Less is met where the property is less.
func Less(p Path, value string) Expression { return compare("IsLessThan", p, value) }

// LessOrEqual is met where the property is less or the same.
func LessOrEqual(p Path, value string) Expression { return compare("IsLessThanOrEqualTo", p, value) }

// Contains is met where the property contains value, without regard to case. Mode is FullString,
// Prefixed, Substring, PrefixOnWords or ExactPhrase.
func Contains(p Path, value, mode string) Expression {
	return Expression{Kind: "Contains", Mode: mode, Comparison: "IgnoreCase", Path: element(p), Constant: &Constant{Value: value}}
}

// Excludes is met where none of the bits of mask is set in the property.
func Excludes(p Path, mask string) Expression {
	return Expression{Kind: "Excludes", Path: element(p), Bitmask: &Constant{Value: mask}}
}

// Paging is where a page of a search ends. Offset is where the next begins.
type Paging struct {
	Offset       *int  `ews:"@IndexedPagingOffset"`
	Numerator    *int  `ews:"@NumeratorOffset"`
	Denominator  *int  `ews:"@AbsoluteDenominator"`
	IncludesLast *bool `ews:"@IncludesLastItemInRange"`
	Total        *int  `ews:"@TotalItemsInView"`
}
