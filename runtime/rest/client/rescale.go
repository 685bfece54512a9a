package client

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
)

// Requirements says between which bounds the parallelism of each of a job's vertices is chosen. The error is one of IsDefaultScheduler if it is not.
func (c *Client) Requirements(ctx context.Context, job ident.JobID) (map[ident.VertexID]answer.Requirement, error) {
	all := map[ident.VertexID]answer.Requirement{}
	return all, c.Do(ctx, http.MethodGet, "/jobs/"+job.String()+"/resource-requirements", nil, &all)
}

// Require changes these bounds, of all vertices.
func (c *Client) Require(ctx context.Context, job ident.JobID, wanted map[ident.VertexID]answer.Requirement) error {
	return c.Do(ctx, http.MethodPut, "/jobs/"+job.String()+"/resource-requirements", wanted, nil)
}

// IsDefaultScheduler reports whether an error says that a job's parallelism cannot be changed while it runs.
func IsDefaultScheduler(err error) bool {
	refused := (*Refused)(nil)
	return errors.As(err, &refused) && refused.Status == http.StatusInternalServerError && strings.Contains(strings.Join(refused.Texts, "\n"), "DefaultScheduler")
}
