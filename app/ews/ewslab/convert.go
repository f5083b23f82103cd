package ewslab

// ConvertId and GetUserConfiguration: small services that clients ask before anything else.

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

func (s *Server) opConvertID(c *call) (*node, error) {
	to := c.req.attr("DestinationFormat")
	sources := c.req.kid("SourceIds").kids()
	if len(sources) == 0 || !idFormat(to) {
		return nil, invalid("the element 'ConvertId' is incomplete or has an invalid 'DestinationFormat'.")
	}
	return c.messages(len(sources), func(n int) ([]*node, error) {
		src := sources[n]
		if !idFormat(src.attr("Format")) {
			return nil, invalid("the 'Format' attribute is invalid - the value '%s' is invalid.", src.attr("Format"))
		}
		raw, err := decodeID(src.attr("Format"), src.attr("Id"))
		if err != nil || len(raw) < 8 {
			return nil, fail(errorIDMalformed)
		}
		mailbox := src.attr("Mailbox")
		if c.s.people.mailbox(mailbox) == nil && c.me != nil {
			mailbox = c.me.Email // some clients send a dummy and read their own address here
		}
		return one(m("AlternateId", at("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"), at("xsi:type", "t:AlternateIdType"), at("Format", to),
			at("Id", encodeID(to, raw)), at("Mailbox", mailbox))), nil
	})
}

func idFormat(s string) bool {
	switch s {
	case "EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId":
		return true
	}
	return false
}

func decodeID(format, s string) ([]byte, error) {
	switch format {
	case "HexEntryId":
		return hex.DecodeString(s)
	case "OwaId":
		plain, err := url.QueryUnescape(strings.ReplaceAll(s, "+", "%2B"))
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(plain)
	}
	return base64.StdEncoding.DecodeString(s)
}

func encodeID(format string, raw []byte) string {
	switch format {
	case "HexEntryId":
		return strings.ToUpper(hex.EncodeToString(raw))
	case "OwaId":
		return url.QueryEscape(base64.StdEncoding.EncodeToString(raw))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func (s *Server) opGetUserConfiguration(c *call) (*node, error) {
	name := c.req.kid("UserConfigurationName")
	if name == nil || len(name.Kids) != 1 || name.attr("Name") == "" {
		return nil, invalid("the element 'UserConfigurationName' has incomplete content.")
	}
	return c.messages(1, func(int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			f, err := c.openFolder(x, name.Kids[0], mayRead)
			if err != nil {
				return err
			}
			if name.attr("Name") != "OWA.UserOptions" {
				return fail(errorItemNotFound)
			}
			owner := c.s.people.byID[f.Mailbox]
			entry := func(key, value string) *node {
				return t("DictionaryEntry", t("DictionaryKey", t("Type", "String"), t("Value", key)), t("DictionaryValue", t("Type", "String"), t("Value", value)))
			}
			out = one(m("UserConfiguration", t("UserConfigurationName", at("Name", name.attr("Name")), f.node("FolderId")),
				t("Dictionary", entry("timezone", owner.ZoneID), entry("timeformat", "HH:mm"), entry("dateformat", "yyyy-MM-dd"))))
			return nil
		})
		return out, err
	})
}
