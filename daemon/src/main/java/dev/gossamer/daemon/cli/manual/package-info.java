/** What is made of the commands' own descriptions: manual pages, completions for shells. */
package dev.gossamer.daemon.cli.manual;
