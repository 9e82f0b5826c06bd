/**
 * The offline tools, a class each: what thin-provisioning-tools do, on metadata that nobody serves at the time. {@link
 * dev.gossamer.daemon.cli.tools.ToolInput} opens what a user names. The program's main thread, which may wait. Options,
 * output and exit codes come in here; what is done to metadata is {@code dev.gossamer.thin.offline}'s.
 */
package dev.gossamer.daemon.cli.tools;
