"""The form of MNIST's images, which every digit is brought into, and the words for digits."""

IMAGE_SIDE = 28
IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE)
N_PIXELS = IMAGE_SIDE**2

# By the digit that they name, in English and German, whose null is none here: in a table it stands
# for a label that is missing.
DIGIT_WORDS = {
    word: digit
    for words in (
        "zero one two three four five six seven eight nine",
        "zero eins zwei drei vier fünf sechs sieben acht neun",
    )
    for digit, word in enumerate(words.split())
}
