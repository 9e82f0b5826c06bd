/**
 * Management: operations on volumes, snapshots and the pool's metadata, each one transaction that is durable when it is
 * answered, and the status lines. On the worker's loop, while no commit is being written. New messages come in here.
 */
package dev.gossamer.thin.message;
