package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/weir-stream/weir/runtime/rest/answer"
)

// TaskManagers are the ids of those that are registered.
func (c *Client) TaskManagers(ctx context.Context) (ids []string, err error) {
	var list struct {
		TaskManagers []struct {
			ID string `json:"id"`
		} `json:"taskmanagers"`
	}
	err = c.Do(ctx, http.MethodGet, "/taskmanagers", nil, &list)
	for _, t := range list.TaskManagers {
		ids = append(ids, t.ID)
	}
	return ids, err
}

// processPath is the path of a TaskManager, or of the JobManager if there is no id.
func processPath(taskManager string) string {
	if taskManager == "" {
		return "/jobmanager"
	}
	return "/taskmanagers/" + url.PathEscape(taskManager)
}

// Logs lists the files of logs of a TaskManager, or of the JobManager if there is no id.
func (c *Client) Logs(ctx context.Context, taskManager string) ([]answer.LogFile, error) {
	var list answer.Logs
	return list.Logs, c.Do(ctx, http.MethodGet, processPath(taskManager)+"/logs", nil, &list)
}

// Log copies a file of logs, the main one if it has no name.
func (c *Client) Log(ctx context.Context, taskManager, name string, to io.Writer) error {
	path := processPath(taskManager) + "/log"
	if name != "" {
		path += "s/" + url.PathEscape(name)
	}
	response, err := c.ask(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(to, response.Body); err != nil {
		return fmt.Errorf("the log of the cluster at %s: %w", c.Base, err)
	}
	return nil
}
