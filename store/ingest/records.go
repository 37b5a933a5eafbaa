package ingest

import (
	"context"

	"geppo/store"
	"geppo/store/sqlstore"
)

// record is one row of any format, checked.
type record interface {
	// put gives it to the store; store.ErrNotFound means that its contract is unknown.
	put(ctx context.Context, tx *sqlstore.ImportTx) error
	contractID() string
}

type contractRecord struct {
	store.Contract
	keepRecipients bool
}

func (r *contractRecord) contractID() string { return r.ID }
func (r *contractRecord) put(ctx context.Context, tx *sqlstore.ImportTx) error {
	return tx.PutContract(ctx, r.Contract, r.keepRecipients)
}

type endpointRecord struct {
	contract string
	store.Endpoint
}

func (r *endpointRecord) contractID() string { return r.contract }
func (r *endpointRecord) put(ctx context.Context, tx *sqlstore.ImportTx) error {
	return tx.PutEndpoint(ctx, r.contract, r.Endpoint)
}

type statusRecord struct {
	contract string
	store.AgentStatus
}

func (r *statusRecord) contractID() string { return r.contract }
func (r *statusRecord) put(ctx context.Context, tx *sqlstore.ImportTx) error {
	return tx.PutStatus(ctx, r.contract, r.AgentStatus)
}

type detectionRecord struct{ store.DetectionRow }

func (r *detectionRecord) contractID() string { return r.Contract }
func (r *detectionRecord) put(ctx context.Context, tx *sqlstore.ImportTx) error {
	return tx.PutDetection(ctx, r.DetectionRow)
}

type eventRecord struct {
	contract string
	store.EDREvent
}

func (r *eventRecord) contractID() string { return r.contract }
func (r *eventRecord) put(ctx context.Context, tx *sqlstore.ImportTx) error {
	return tx.PutEvent(ctx, r.contract, r.EDREvent)
}

type coverageRecord struct {
	contract string
	day      store.Day
}

func (r *coverageRecord) contractID() string { return r.contract }
func (r *coverageRecord) put(ctx context.Context, tx *sqlstore.ImportTx) error {
	return tx.PutCoverage(ctx, r.contract, r.day)
}
