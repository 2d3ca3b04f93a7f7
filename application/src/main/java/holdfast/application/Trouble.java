package holdfast.application;

/**
 * Something that does not go as it should.
 *
 * @param why what is wrong, naming the thing and the place
 * @param remedy what a person can do about it
 */
record Trouble(String why, String remedy) {}
