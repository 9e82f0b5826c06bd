/**
 * The offline tools, a class each: what thin-provisioning-tools do, on metadata that nobody serves at the time. {@link
 * dev.gossamer.daemon.cli.tools.ToolInput} opens what a user names.
 */
package dev.gossamer.daemon.cli.tools;
