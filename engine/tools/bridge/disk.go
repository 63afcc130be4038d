package main

import (
	"context"
	"time"

	"github.com/moby/buildkit/client"
)

type pruneParams struct {
	All          bool     `json:"all"`
	KeepBytes    int64    `json:"keepBytes"`
	MaxBytes     int64    `json:"maxBytes"`
	MinFreeBytes int64    `json:"minFreeBytes"`
	KeepMs       int64    `json:"keepMs"`
	Filter       []string `json:"filter"`
}

type pruneResult struct {
	Bytes   int64 `json:"bytes"`
	Records int   `json:"records"`
}

func (s *server) prune(ctx context.Context, p pruneParams) (*pruneResult, error) {
	bk, err := s.connection()
	if err != nil {
		return nil, err
	}
	opts := []client.PruneOption{client.WithKeepOpt(time.Duration(p.KeepMs)*time.Millisecond, p.KeepBytes, p.MaxBytes, p.MinFreeBytes), client.WithFilter(p.Filter)}
	if p.All {
		opts = append(opts, client.PruneAll)
	}
	records := make(chan client.UsageInfo, 64)
	done := make(chan pruneResult)
	go func() {
		var result pruneResult
		for r := range records {
			result.Records++
			result.Bytes += r.Size
		}
		done <- result
	}()
	err = bk.Prune(ctx, records, opts...)
	close(records)
	result := <-done
	if err != nil {
		return nil, err
	}
	return &result, nil
}

type diskUsageParams struct {
	Filter []string `json:"filter"`
}

type usageRecord struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Bytes       int64  `json:"bytes"`
	InUse       bool   `json:"inUse"`
	Shared      bool   `json:"shared"`
	Mutable     bool   `json:"mutable"`
	Description string `json:"description"`
	Created     int64  `json:"created"`
	LastUsed    int64  `json:"lastUsed,omitempty"`
	UsageCount  int    `json:"usageCount"`
}

type diskUsageResult struct {
	Bytes       int64         `json:"bytes"`
	Reclaimable int64         `json:"reclaimable"`
	Records     []usageRecord `json:"records"`
}

func (s *server) diskUsage(ctx context.Context, p diskUsageParams) (*diskUsageResult, error) {
	bk, err := s.connection()
	if err != nil {
		return nil, err
	}
	list, err := bk.DiskUsage(ctx, client.WithFilter(p.Filter))
	if err != nil {
		return nil, err
	}
	result := &diskUsageResult{Records: []usageRecord{}}
	for _, r := range list {
		result.Bytes += r.Size
		if !r.InUse {
			result.Reclaimable += r.Size
		}
		u := usageRecord{
			ID: r.ID, Type: string(r.RecordType), Bytes: r.Size, InUse: r.InUse, Shared: r.Shared, Mutable: r.Mutable,
			Description: r.Description, Created: r.CreatedAt.UnixMilli(), UsageCount: r.UsageCount,
		}
		if r.LastUsedAt != nil {
			u.LastUsed = r.LastUsedAt.UnixMilli()
		}
		result.Records = append(result.Records, u)
	}
	return result, nil
}
