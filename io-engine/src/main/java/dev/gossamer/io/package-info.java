/**
 * Block devices, the requests they serve, the loops that own those requests, and what both share: errors, faults, a
 * device's health. A request belongs to its loop at any moment and is handed on by message. What every device or loop
 * needs comes in here, nothing that knows a file, a socket or a map.
 */
package dev.gossamer.io;
