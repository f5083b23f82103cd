// Package storage keeps what must survive: the message archive, each person's event log, contacts and what
// people let others see, sign-ins, sealed line credentials, settings and browser sessions, the mirrors of
// calendars, the records of CRM, the ledger of its synchronisation and the webhooks, the decisions of
// administrators, the logs of problems and copies of the address books, in one SQL database.
//
// Reading goes through a pool of connections that cannot write. All writing goes through one
// goroutine, [Store.Run], which gathers the writes that wait, runs each inside its own savepoint of
// one transaction, commits once (one fsync for all of them), hands the logged events to the sink in
// their order and only then releases the callers. So whoever was told "done" is on disk, whoever is
// told of an event finds it in the log, and the price of a commit is shared under load.
//
// Every error that leaves the package has one of the house's meanings (see errors.go) or is internal.
package storage
