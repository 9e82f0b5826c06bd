/**
 * Exports as block devices of this machine, by the kernel's NBD client: attached and detached over generic netlink, and
 * kept attached while the server comes and goes. A process of its own, on its main thread, which may wait. The facts
 * are from the kernel's include/uapi/linux/nbd-netlink.h.
 */
package dev.gossamer.daemon.attach;
