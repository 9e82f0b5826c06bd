/**
 * Keys, certificates and the engines made of them, for both sides of STARTTLS (NBD section 1.5). Files are read on a
 * thread that may wait; what was made of them are values for any thread. Who may come in with which certificate is
 * decided elsewhere.
 */
package dev.gossamer.nbd.tls;
