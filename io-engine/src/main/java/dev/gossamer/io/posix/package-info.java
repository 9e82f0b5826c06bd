/** Files and block devices through system calls. The only package that knows jnr-ffi. */
package dev.gossamer.io.posix;
