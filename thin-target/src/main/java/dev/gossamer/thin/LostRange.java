package dev.gossamer.thin;

/**
 * A range of a volume whose data is, or would be, lost.
 *
 * @param volume name of the volume, or what has it in place of one
 * @param offsetBytes first byte there
 */
public record LostRange(String volume, long offsetBytes, long lengthBytes) {
    @Override
    public String toString() {
        return volume + ":" + offsetBytes + "+" + lengthBytes;
    }
}
