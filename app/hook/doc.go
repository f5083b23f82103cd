// Package hook connects CRM systems outside: it sends them every change of the CRM side as a signed web request, and
// takes their changes the same way.
//
// Signatures, headers and retries follow the Standard Webhooks specification: webhook-id names a change and is the
// idempotency key, webhook-timestamp is in seconds since 1970, webhook-signature holds one or more "v1," and the
// base64 of HMAC-SHA256 over "id.timestamp.body".
package hook
