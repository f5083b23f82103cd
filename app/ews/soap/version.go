package soap

// Versions of the schema, and how the highest one that a server accepts is found.

// versions are what RequestServerVersion can say, the newest first. "Exchange2019" is none of
// them: such servers are asked for Exchange2016.
var versions = [...]string{"Exchange2016", "Exchange2015", "Exchange2013_SP1", "Exchange2013", "Exchange2010_SP2",
	"Exchange2010_SP1", "Exchange2010", "Exchange2007_SP1", "Exchange2007"}

func versionIndex(v string) int {
	for i, name := range versions {
		if name == v {
			return i
		}
	}
	return -1
}

// lower takes the client one version down from the one that was refused and tells whether there is
// one. Of several requests that were refused at once only the first does so.
func (c *Client) lower(refused string) bool {
	i := versionIndex(refused)
	if i < 0 || i+1 >= len(versions) {
		return false
	}
	at := c.version.Load()
	if *at == refused {
		c.version.CompareAndSwap(at, &versions[i+1])
	}
	return true
}

// versionRefused tells whether err says that the server does not know the version. Codes that can
// also mean a faulty request are believed only while no version has been accepted yet.
func (c *Client) versionRefused(e *ResponseError) bool {
	switch e.Code {
	case "ErrorInvalidServerVersion", "ErrorIncorrectSchemaVersion", "ErrorInvalidSchemaVersionForMailboxVersion":
		return true
	case "ErrorInvalidRequest", "ErrorSchemaValidation":
		return e.Status != 0 && !c.settled.Load()
	}
	return false
}
