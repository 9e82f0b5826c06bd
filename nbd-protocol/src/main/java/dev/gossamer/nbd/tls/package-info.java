/** Keys, certificates and the engines made of them, for both sides of STARTTLS (NBD section 1.5). */
package dev.gossamer.nbd.tls;
