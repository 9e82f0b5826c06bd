/**
 * System calls and memory straight from the kernel. The only package that knows jnr-ffi, and one that knows no other of
 * ours; any thread. What a call means for a file belongs into {@code posix}, not here.
 */
package dev.gossamer.io.libc;
